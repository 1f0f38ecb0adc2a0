import { FarmError } from "../../core/error/farm-error.ts";
import type { GpioLine } from "../../core/gpio/gpio-line.ts";
import type { DriverOptions } from "./connect-driver.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";
import type { GpioLink } from "./gpio-driver.ts";
import { findDevices, propertiesOf } from "./qom-lines.ts";

/**
 * Pins that a device shows as boolean properties, as Aspeed's do: levels can be asked for and set, changes are not told.
 * @throws {FarmError} PinsFailed
 */
export async function connectQom({ seat, abilities, lines }: DriverOptions): Promise<GpioLink> {
  const devices = await findDevices(seat, lines);
  await assertPropertiesExist(seat, lines, devices);
  const objectOf = ({ port }: GpioLine) => devices.get(port.device ?? "") ?? "";
  const ask = async (command: string, line: GpioLine, args: Readonly<Record<string, unknown>> = {}) => {
    try {
      return await seat.qmp.execute(command, { path: objectOf(line), property: propertyOf(line), ...args });
    } catch (cause) {
      throw new FarmError("PinsFailed", { board: seat.boardName, detail: (cause as Error).message }, { cause });
    }
  };
  return {
    abilities,
    observes: () => false,
    async drive(line, level) {
      await ask("qom-set", line, { value: level === 1 });
    },
    read: async (line) => ((await ask("qom-get", line)) === true ? 1 : 0),
    // The device forgets at a reset what it was set to, so that resets are the farm's to carry out.
    renew: async () => {},
  };
}

async function assertPropertiesExist(
  seat: EmulatorSeat,
  lines: readonly GpioLine[],
  devices: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [name, path] of devices) {
    const properties = await propertiesOf(seat, path);
    const booleans = new Set(properties.filter(({ type }) => type === "bool").map((one) => one.name));
    const missing = lines.find((line) => line.port.device === name && !booleans.has(propertyOf(line)));
    if (!missing) continue;
    const detail = `${path} has no property ${propertyOf(missing)}, which the manifest has as ${missing.name}`;
    throw new FarmError("PinsFailed", { board: seat.boardName, detail });
  }
}

function propertyOf({ port, index }: GpioLine): string {
  return `${port.property ?? port.prefix}${index}`;
}
