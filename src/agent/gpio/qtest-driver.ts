import { FarmError } from "../../core/error/farm-error.ts";
import { type GpioLine, type Level, lineInWords } from "../../core/gpio/gpio-line.ts";
import type { DriverOptions } from "./connect-driver.ts";
import type { EmulatorSeat } from "./emulator-seat.ts";
import type { DriverEdge, GpioAbilities, GpioLink } from "./gpio-driver.ts";
import { PINS_CHANNEL, pinsSocket } from "./pins-socket.ts";
import { assertLinesExist, findDevices } from "./qom-lines.ts";
import { QtestChannel, type QtestEdge } from "./qtest-channel.ts";

const ANSWER_TIMEOUT_MS = 10_000;
/** A question whose answer comes after all that was told before. */
const HARMLESS = "endianness";
/** Time of the guest, of the farm's own QEMU (images/qemu). */
const QUERY_TIME = "__dev.emufarm_query-guest-time";

/**
 * Pins by qtest, which works beside normal execution: outputs of devices are intercepted, inputs are set. The server is
 * made in the emulator when pins are first asked for, so that an emulator whose pins nobody asks for has none. It
 * listens on a socket of its own because only a new connection makes stock QEMU forget the levels that it told, as it
 * must where a reset has lowered lines without a word.
 * @throws {FarmError} PinsFailed, NotSupportedHere
 */
export async function connectQtest(options: DriverOptions): Promise<GpioLink> {
  const { seat, lines } = options;
  const watched = watchedDevices(options);
  try {
    const [devices] = await Promise.all([findDevices(seat, lines), seat.once(PINS_CHANNEL, () => startServer(seat))]);
    await assertLinesExist(seat, lines, devices);
    const link = new QtestLink(options, devices, watched);
    await link.open();
    await link.watch();
    return link;
  } catch (cause) {
    throw cause instanceof FarmError ? cause : pinsFailed(seat, cause);
  }
}

class QtestLink implements GpioLink {
  readonly abilities: GpioAbilities;
  readonly #options: DriverOptions;
  /** Paths in the emulator, by the manifest's names for them. */
  readonly #devices: ReadonlyMap<string, string>;
  /** Names of those whose outputs are watched. */
  readonly #watched: readonly string[];
  /** Numbers of lines, by their device's path and their place in it. */
  readonly #numbers = new Map<string, number[]>();
  #channel: QtestChannel | undefined;

  constructor(options: DriverOptions, devices: ReadonlyMap<string, string>, watched: readonly string[]) {
    this.#options = options;
    this.abilities = options.abilities;
    this.#devices = devices;
    this.#watched = watched;
    for (const line of options.lines) {
      const path = this.#pathOf(line);
      const numbers = this.#numbers.get(path) ?? [];
      numbers[line.index] = line.number;
      this.#numbers.set(path, numbers);
    }
  }

  observes({ port }: GpioLine): boolean {
    return this.#watched.includes(port.device ?? "");
  }

  async drive(line: GpioLine, level: Level): Promise<void> {
    await this.#ask(`set_irq_in ${this.#pathOf(line)} unnamed-gpio-in ${line.index} ${level}`);
  }

  async guestTimeNs(): Promise<number | undefined> {
    const { seat } = this.#options;
    if (!seat.isFarmEmulator) return undefined;
    const answer = (await seat.qmp.execute(QUERY_TIME)) as { readonly "virtual-ns": number };
    return answer["virtual-ns"] - seat.beganNs;
  }

  async settle(): Promise<void> {
    await this.#ask(HARMLESS);
  }

  async renew(): Promise<void> {
    await this.settle();
    await this.open();
    // It answers once it has noticed that the connection is a new one.
    await this.settle();
  }

  [Symbol.dispose](): void {
    this.#channel?.[Symbol.dispose]();
  }

  async open(): Promise<void> {
    this.#channel?.[Symbol.dispose]();
    this.#channel = new QtestChannel(await pinsSocket(this.#options.seat), ANSWER_TIMEOUT_MS, (edges) =>
      this.#tell(edges),
    );
  }

  async watch(): Promise<void> {
    for (const name of this.#watched) await this.#ask(`irq_intercept_out ${this.#devices.get(name)}`);
  }

  #pathOf({ port }: GpioLine): string {
    return this.#devices.get(port.device ?? "") ?? "";
  }

  async #ask(command: string): Promise<void> {
    const { seat } = this.#options;
    if (!this.#channel) throw pinsFailed(seat, new Error("the qtest channel is closed"));
    await this.#channel.ask(command).catch((cause: unknown) => Promise.reject(pinsFailed(seat, cause)));
  }

  #tell(told: readonly QtestEdge[]): void {
    const { seat, onEdges } = this.#options;
    const only = this.#devices.get(this.#watched[0] ?? "") ?? "";
    const edges: DriverEdge[] = [];
    for (const { index, level, virtualNs, device = only } of told) {
      const line = this.#numbers.get(device)?.[index];
      if (line === undefined) continue;
      edges.push({ line, level, timeNs: virtualNs === undefined ? undefined : virtualNs - seat.beganNs });
    }
    if (edges.length > 0) onEdges(edges);
  }
}

/** Devices whose outputs are watched: all, or the one that is wanted where the emulator can do no more. */
function watchedDevices({ seat, abilities, lines, wanted }: DriverOptions): string[] {
  const devicesOf = (some: readonly GpioLine[]) => [
    ...new Set(some.filter(({ isOutput }) => isOutput).map(({ port }) => port.device ?? "")),
  ];
  if (abilities.ports === "all") return devicesOf(lines);
  const devices = devicesOf(wanted);
  if (devices.length <= 1) return devices.length === 1 ? devices : devicesOf(portsInOrder(lines)).slice(0, 1);
  const named = wanted.filter(({ isOutput }) => isOutput).map(lineInWords);
  throw new FarmError("NotSupportedHere", {
    what: `Watching ${named.join(" and ")}`,
    board: seat.boardName,
    problem:
      "they belong to several devices, of which stock QEMU watches one; npm run qemu builds one that watches all",
  });
}

/** Lines with a name of their own first: of the ports, those matter. */
function portsInOrder(lines: readonly GpioLine[]): readonly GpioLine[] {
  const named = lines.filter(({ label, isOutput }) => label !== undefined && isOutput);
  return named.length > 0 ? named : lines;
}

async function startServer({ qmp }: EmulatorSeat): Promise<void> {
  const backend = {
    type: "socket",
    data: { addr: { type: "unix", data: { path: PINS_CHANNEL } }, server: true, wait: false },
  };
  await qmp.execute("chardev-add", { id: PINS_CHANNEL, backend });
  await qmp.execute("object-add", {
    "qom-type": "qtest",
    id: `${PINS_CHANNEL}-server`,
    chardev: PINS_CHANNEL,
    log: "none",
  });
}

function pinsFailed({ boardName }: EmulatorSeat, cause: unknown): FarmError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new FarmError("PinsFailed", { board: boardName, detail }, { cause });
}
