import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import { awaitInstance, type WaitOptions } from "./await-instance.ts";
import { type InstancePlace, instanceNamed, openInstancePlace } from "./instance-place.ts";

/** Takes away whatever source the firmware had before. */
const NO_SOURCE = {
  url: null,
  configMap: null,
  artifact: null,
  image: null,
  inline: null,
  secretName: null,
  sha256: null,
  format: null,
};

const DIGEST = /^[0-9a-f]{64}$/;

/** `emufarm flash TARGET FILE`: other firmware for an instance, in place; its consoles stay open. */
export async function flash(
  surroundings: Surroundings,
  word: string,
  file: string,
  options: JsonOptions & WaitOptions,
): Promise<number> {
  const name = instanceNamed(word, "flash");
  await using place = await openInstancePlace(surroundings, options);
  await place.get(name);
  const { source, sizeBytes } = await bringFile(surroundings, place, file);
  const patched = await place
    .patch(name, { firmware: { ...NO_SOURCE, ...source } })
    .catch((error: unknown) => Promise.reject(aboutFile(error, file)));
  const instance = await awaitInstance(place, patched, surroundings.interrupted, options);
  const isOff = instance.status?.phase === "PoweredOff";
  const said = `${name} has ${file}, ${sizeBytes} bytes${isOff ? ", from when it is switched on" : ""}.`;
  surroundings.stdout.write(options.json ? jsonText(instance) : `${said}\n`);
  return EXIT.passed;
}

/** The farm knows firmware by its digest; whoever reads this has named a file. */
export function aboutFile(thrown: unknown, file: string): unknown {
  if (!(thrown instanceof FarmError) || !DIGEST.test(String(thrown.details.name))) return thrown;
  const body = thrown.toBody();
  return FarmError.fromBody({ ...body, details: { ...body.details, name: file } });
}

/** The file, where the farm finds it. @throws {FarmError} NotFound, InvalidRequest */
export async function bringFile({ cwd }: Surroundings, place: InstancePlace, file: string) {
  let bytes: Buffer;
  try {
    bytes = await readFile(resolve(cwd, file));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new FarmError("NotFound", { kind: "file", name: file }, { cause });
    throw new FarmError("InvalidRequest", { problems: `${file} cannot be read (${code})` }, { cause });
  }
  return { source: await place.bring(bytes), sizeBytes: bytes.length };
}
