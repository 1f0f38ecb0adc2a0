import { delimiter, join } from "node:path";
import { expect } from "vitest";
import type { Boot, BootRequest } from "../../../src/agent/boot/boot.ts";
import { GpioBank } from "../../../src/agent/gpio/gpio-bank.ts";
import type { EdgeBatch, GpioEdge } from "../../../src/agent/gpio/gpio-edges.ts";
import { UartHub } from "../../../src/agent/uart/uart-hub.ts";
import type { BoardSpec } from "../../../src/core/schema/board.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { type BootLab, type BootLabOptions, createBootLab, RecordingUart } from "../boot/boot-lab.ts";

/** The emulators of the tests; `ours` is undefined where the farm's own QEMU is not built. */
export const STOCK = [process.env.EMUFARM_QEMU_PATH, process.env.PATH].join(delimiter).split(delimiter);
export const OURS = process.env.EMUFARM_FARM_QEMU_PATH;

export function boardOf(name: string): BoardSpec {
  const found = readBoards().find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`there is no board ${name}`);
  return found.spec;
}

export interface PinLabOptions extends BootLabOptions {
  readonly board: string;
  readonly isWanted?: boolean;
  /** Lines that must be seen, by name. */
  readonly wanted?: readonly string[];
  readonly spec?: BoardSpec;
}

/** A board that runs the firmware `pins`, which does with its pins what it is told over its console. */
export class PinLab implements AsyncDisposable {
  readonly bank: GpioBank;
  readonly spec: BoardSpec;
  readonly edges: (GpioEdge & { readonly boot: number })[] = [];
  readonly #lab: BootLab;
  readonly #image: string;
  /** Carries the line protocol, where the board's pins are reached by it. */
  readonly #pinUart: UartHub | undefined;
  #boots = 0;

  private constructor(lab: BootLab, image: string, { board, spec, isWanted = true, wanted = [] }: PinLabOptions) {
    this.#lab = lab;
    this.#image = image;
    this.spec = spec ?? boardOf(board);
    const { gpio } = this.spec;
    const lines = new GpioBank({ boardName: board, gpio, isWanted }).lines;
    if (gpio?.uart !== undefined) {
      this.#pinUart = new UartHub({ name: gpio.uart, logPath: join(lab.folder, `${gpio.uart}.log`) });
    }
    this.bank = new GpioBank({
      boardName: board,
      gpio,
      isWanted,
      wanted: wanted.map((name) => lines.find(name)),
      uart: this.#pinUart,
    });
    if (isWanted) this.listen();
  }

  static async open(options: PinLabOptions): Promise<PinLab> {
    const lab = await createBootLab(options);
    return new PinLab(lab, join(await buildFirmware(), options.board, "pins.elf"), options);
  }

  /** From now on somebody looks on. */
  listen(): void {
    this.bank.onEdges((batch) => this.#take(batch));
  }

  get lab(): BootLab {
    return this.#lab;
  }

  async boot(request: Partial<BootRequest> = {}): Promise<PinGuest> {
    this.#boots += 1;
    const [first, ...others] = this.spec.uarts;
    if (!first) throw new Error("no UART");
    const uart = new RecordingUart(first.name);
    const pins = this.#pinUart;
    const { boot } = await this.#lab.start(this.spec, {
      firmware: { format: "elf", image: this.#image },
      boot: this.#boots,
      gpio: this.bank,
      uarts: [uart, ...others.map(({ name }) => (name === pins?.name ? pins : new RecordingUart(name)))],
      ...request,
    });
    if (!request.isPaused) await Promise.all([boot.running, uart.until("pins\n")]);
    return new PinGuest(boot, uart);
  }

  /** Levels of a line as they were told, and by whom. */
  seen(line: number, by: GpioEdge["by"] = "guest"): number[] {
    return this.edges.filter((edge) => edge.line === line && edge.by === by).map(({ level }) => level);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
    this.bank.end();
    this.#pinUart?.end();
  }

  #take({ boot, edges }: EdgeBatch): void {
    for (const edge of edges) this.edges.push({ ...edge, boot });
  }
}

/** A guest that runs `pins`. */
export class PinGuest {
  readonly boot: Boot;
  readonly uart: RecordingUart;

  constructor(boot: Boot, uart: RecordingUart) {
    this.boot = boot;
    this.uart = uart;
  }

  /** Gives a command without waiting for the answer. */
  tell(command: string): void {
    this.uart.write(`${command}\n`);
  }

  /** Gives a command; its answer's number. */
  async ask(command: string): Promise<number> {
    const from = this.uart.text.length;
    this.tell(command);
    const answer = new RegExp(`^${command[0]} (\\d+)\n`, "m");
    await expect.poll(() => this.uart.text.slice(from), { interval: 2, timeout: 20_000 }).toMatch(answer);
    return Number(answer.exec(this.uart.text.slice(from))?.[1]);
  }
}
