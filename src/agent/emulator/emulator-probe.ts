import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { SANDBOX } from "./emulator-arguments.ts";
import { programOutput } from "./program-output.ts";

/** What a program can do wherever it runs; what depends on the host is not in it. */
const emulatorProbe = z.strictObject({
  sha256: z.string(),
  version: z.string(),
  machines: z.array(z.string()),
  accelerators: z.array(z.string()),
  hasSandbox: z.boolean(),
  farmRevision: z.number().int().optional(),
});
export type EmulatorProbe = z.infer<typeof emulatorProbe>;

/**
 * Asks a program what it can do. Done once for its digest, and its digest is taken once for each state of its
 * file: both are kept in the cache folder, where they may be deleted at any time.
 * @throws {FarmError} EmulatorUnusable
 */
export async function probeEmulator(binary: string, path: string, cacheFolder: string): Promise<EmulatorProbe> {
  const folder = join(cacheFolder, "probes");
  try {
    await mkdir(folder, { recursive: true });
    const sha256 = await digestOf(path, folder);
    const file = join(folder, `${sha256}.json`);
    const known = await readProbe(file);
    if (known) return known;
    const probe = { sha256, ...(await ask(path)) };
    await writeWhole(file, JSON.stringify(probe));
    return probe;
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new FarmError("EmulatorUnusable", { binary, detail }, { cause });
  }
}

async function ask(path: string): Promise<Omit<EmulatorProbe, "sha256">> {
  const [version, machines, accelerators, sandbox] = await Promise.all([
    said(path, ["--version"]),
    said(path, ["-machine", "help"]),
    said(path, ["-accel", "help"]),
    programOutput(path, ["-sandbox", SANDBOX, "--version"]),
  ]);
  const number = /version (\d+(?:\.\d+){1,2})/.exec(version)?.[1];
  if (number === undefined) throw new Error(`it does not tell its version, but says: ${version.slice(0, 200)}`);
  const revision = /\(emufarm (\d+)\)/.exec(version)?.[1];
  return {
    version: number,
    ...(revision !== undefined && { farmRevision: Number(revision) }),
    machines: firstWords(machines),
    accelerators: firstWords(accelerators),
    hasSandbox: sandbox.code === 0,
  };
}

async function said(path: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await programOutput(path, args);
  if (code === 0) return stdout;
  throw new Error(`${args.join(" ")} ended with ${code ?? "a signal"}: ${stderr.trim().slice(-500)}`);
}

/** First words of the lines after the heading, which ends in a colon. */
function firstWords(list: string): string[] {
  return list
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(Supported|Accelerators|Available)\b/.test(line))
    .map((line) => line.split(/\s/, 1)[0] ?? "");
}

async function digestOf(path: string, folder: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  const state = createHash("sha256").update([path, dev, ino, size, mtimeNs, ctimeNs].join("\0")).digest("hex");
  const file = join(folder, `${state}.digest`);
  const known = await readIfThere(file);
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  const digest = hash.digest("hex");
  await writeWhole(file, digest);
  return digest;
}

async function readProbe(file: string): Promise<EmulatorProbe | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return emulatorProbe.parse(JSON.parse(text));
  } catch {
    // A cached probe of another version of the farm, or damaged: asked again and replaced.
    return undefined;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Several agents share the cache: a file appears whole or not at all. */
async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, file);
}
