import { contentDigest } from "../../client/content-digest.ts";
import { desiredSettings } from "../../core/policy/desired-settings.ts";
import type { DesiredStateInput } from "../../core/wire/desired-state.ts";
import type { StoredInstance } from "./instance-record.ts";

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
    ...desiredSettings(spec),
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
