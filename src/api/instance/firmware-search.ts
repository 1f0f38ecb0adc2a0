import { FarmError } from "../../core/error/farm-error.ts";
import type { ObservedFirmware } from "../../core/policy/instance-observation.ts";
import type { ImportFirmware } from "../firmware/firmware-importer.ts";
import { bringFirmware, sourceKeyOf } from "./instance-firmware.ts";
import type { StoredFirmware, StoredInstance } from "./instance-record.ts";

export interface FirmwareSearchOptions {
  readonly importFirmware: ImportFirmware;
  readonly clock: () => number;
  readonly retryMs: number;
  /** Found, or not (again): time to look. */
  readonly onOutcome: (found: StoredFirmware | undefined) => Promise<void>;
}

/** How the firmware of one instance is brought into the store, once for each source. */
export class FirmwareSearch {
  readonly #options: FirmwareSearchOptions;
  #current: { readonly sourceKey: string; readonly seen: ObservedFirmware } | undefined;

  constructor(options: FirmwareSearchOptions) {
    this.#options = options;
  }

  observe({ spec, board, firmware }: StoredInstance): ObservedFirmware {
    if (!spec.firmware) return { state: "none" };
    const sourceKey = sourceKeyOf(spec.firmware, board);
    if (firmware?.sourceKey === sourceKey) return { state: "resolved", sha256: firmware.reference.sha256 };
    return this.#current?.sourceKey === sourceKey ? this.#current.seen : { state: "unknown", isFirst: false };
  }

  /** Begins, unless it has. @returns when to ask again, where it has failed */
  begin(record: StoredInstance): number | undefined {
    const { importFirmware, clock, retryMs, onOutcome } = this.#options;
    const { spec, board } = record;
    const seen = this.observe(record);
    if (!spec.firmware || seen.state === "resolving") return undefined;
    if (seen.state === "failed" && seen.retryAtMs > clock()) return seen.retryAtMs;
    const sourceKey = sourceKeyOf(spec.firmware, board);
    const isCurrent = () => this.#current?.sourceKey === sourceKey;
    this.#current = { sourceKey, seen: { state: "resolving", isFirst: false } };
    const failed = (error: unknown) => {
      const { code, message } = FarmError.from(error);
      const problem = { reason: code, message };
      if (isCurrent())
        this.#current = { sourceKey, seen: { state: "failed", problem, retryAtMs: clock() + retryMs, isFirst: false } };
    };
    bringFirmware(importFirmware, spec.firmware, { name: spec.board, spec: board })
      .then((found) => (isCurrent() ? onOutcome(found) : undefined))
      .catch(async (error: unknown) => {
        failed(error);
        await onOutcome(undefined);
      });
    return undefined;
  }
}
