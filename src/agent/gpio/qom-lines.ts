import { FarmError } from "../../core/error/farm-error.ts";
import { type GpioLine, lineInWords } from "../../core/gpio/gpio-line.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";

interface QomProperty {
  readonly name: string;
  readonly type: string;
}

/**
 * Finds the devices of a manifest in the emulator, by the names that the manifest has for them.
 * @throws {FarmError} PinsFailed
 */
export async function findDevices(seat: EmulatorSeat, lines: readonly GpioLine[]): Promise<Map<string, string>> {
  const wanted = new Set(lines.map(({ port }) => port.device ?? ""));
  return new Map(await Promise.all([...wanted].map(async (one) => [one, await findDevice(seat, one)] as const)));
}

/**
 * Asks the emulator for each line of the manifest whether its device has it: stock QEMU ends at once when it is told to
 * set one that it does not have, and the guest with it.
 * @throws {FarmError} PinsFailed
 */
export async function assertLinesExist(
  seat: EmulatorSeat,
  lines: readonly GpioLine[],
  devices: ReadonlyMap<string, string>,
): Promise<void> {
  const found = new Map<string, ReadonlySet<string>>();
  await Promise.all([...devices.values()].map(async (path) => found.set(path, await linesOf(seat, path))));
  for (const line of lines) {
    const { port, index, isInput, isOutput } = line;
    const names = found.get(devices.get(port.device ?? "") ?? "");
    const missing = [
      ...(isInput && !names?.has(`unnamed-gpio-in[${index}]`) ? ["input"] : []),
      ...(isOutput && !names?.has(`unnamed-gpio-out[${index}]`) ? ["output"] : []),
    ];
    if (missing.length === 0) continue;
    const detail = `${port.device} has no ${missing.join(" and no ")} ${index}, which the manifest has as ${lineInWords(line)}`;
    throw new FarmError("PinsFailed", { board: seat.boardName, detail });
  }
}

async function findDevice(seat: EmulatorSeat, device: string): Promise<string> {
  const [, parent, type, place] = /^(.*)\/([^/#]+)#(\d+)$/.exec(device) ?? [];
  if (parent === undefined || type === undefined) return device;
  const children = await propertiesOf(seat, parent);
  const ofType = children
    .filter((child) => child.type === `child<${type}>`)
    .map(({ name }) => name)
    // In the order in which the machine has made them.
    .sort((left, right) => left.localeCompare(right, "en", { numeric: true }));
  const name = ofType[Number(place)];
  if (name !== undefined) return `${parent}/${name}`;
  const detail = `the emulator has ${ofType.length} devices of type ${type}, and the manifest asks for number ${place}`;
  throw new FarmError("PinsFailed", { board: seat.boardName, detail });
}

/** Names of a device's inputs and outputs. */
async function linesOf(seat: EmulatorSeat, path: string): Promise<ReadonlySet<string>> {
  const properties = await propertiesOf(seat, path);
  return new Set(properties.filter(({ type }) => /^(link|child)<irq>$/.test(type)).map(({ name }) => name));
}

/** Properties of an object. @throws {FarmError} PinsFailed */
export async function propertiesOf({ qmp, boardName }: EmulatorSeat, path: string): Promise<readonly QomProperty[]> {
  try {
    return (await qmp.execute("qom-list", { path })) as readonly QomProperty[];
  } catch (cause) {
    const detail = `the emulator has no device ${path} (${(cause as Error).message})`;
    throw new FarmError("PinsFailed", { board: boardName, detail }, { cause });
  }
}
