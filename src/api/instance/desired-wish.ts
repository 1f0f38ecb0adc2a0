import { createHash } from "node:crypto";
import type { DesiredStateInput } from "../../core/wire/desired-state.ts";
import type { StoredInstance } from "./instance-record.ts";

const DIGEST_LENGTH = 20;

/** What the agent is told of an instance; epoch and revision are added when it is. */
export type Wish = Omit<DesiredStateInput, "epoch" | "revision"> & { readonly digest: string };

/** @param blobUrl signed URL by which the agent fetches firmware */
export function wishOf(
  { uid, generation, spec, board, firmware }: StoredInstance,
  tenant: string,
  blobUrl: (sha256: string) => string,
): Wish {
  const wish = {
    uid,
    tenant,
    boardName: spec.board,
    board,
    ...(firmware && { firmware: firmware.reference }),
    power: spec.power,
    isPaused: spec.paused,
    ...(spec.flash && { flash: spec.flash }),
    resetCount: spec.resetCount,
    restartPolicy: spec.restartPolicy,
    channels: spec.channels,
  };
  const digests = firmware ? digestsOf(firmware.reference) : [];
  const urls = Object.fromEntries(digests.map((sha256) => [sha256, blobUrl(sha256)]));
  return { ...wish, generation, digest: contentDigest(wish), urls };
}

/** Of all files of a firmware. */
export function digestsOf({ sha256, initrd, dtb }: NonNullable<StoredInstance["firmware"]>["reference"]): string[] {
  return [sha256, initrd?.sha256, dtb?.sha256].filter((one) => one !== undefined);
}

/** A short digest of a value that is always made in the same way. */
export function contentDigest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, DIGEST_LENGTH);
}
