import { GpioBank } from "../../../src/agent/gpio/gpio-bank.ts";
import { type DriverEdge, gpioAbilities } from "../../../src/agent/gpio/gpio-driver.ts";
import type { GpioPlug } from "../../../src/agent/gpio/gpio-port.ts";
import type { BoardGpio } from "../../../src/core/schema/board-gpio.ts";
import { boardGpio } from "../../../src/core/schema/board-gpio.ts";

/** A board with sixteen lines both ways, PA0 is LED1 and PA1 is BUTTON, and four (PB, from 32) that only go out. */
export const demoGpio: BoardGpio = boardGpio.parse({
  driver: "qtest",
  ports: [
    { name: "gpioa", prefix: "PA", lines: 16, device: "/machine/soc/gpioa" },
    { name: "gpiob", prefix: "PB", first: 32, lines: 4, directions: ["out"], device: "/machine/soc/gpiob" },
  ],
  lines: [
    { number: 0, name: "LED1" },
    { number: 1, name: "BUTTON" },
  ],
});

/** The pins of a guest that is none, for what no real guest does at will: floods, failures, silence. */
export class PinsStandIn {
  readonly bank: GpioBank;
  /** What was driven, such as `1=1`, in order. */
  readonly driven: string[] = [];
  #tell: (edges: readonly DriverEdge[]) => void = () => {};
  #plug: GpioPlug | undefined;
  #boot = 0;

  constructor(gpio: BoardGpio | undefined = demoGpio) {
    this.bank = new GpioBank({ boardName: "demo", gpio, isWanted: true });
  }

  /** A guest starts; settles once its pins are connected. */
  async start(): Promise<void> {
    this.#boot += 1;
    const abilities = gpioAbilities(demoGpio, { isFarmEmulator: false });
    this.#plug = this.bank.attach(this.#boot, {
      abilities,
      connect: async (onEdges) => {
        this.#tell = onEdges;
        return {
          abilities,
          observes: () => true,
          drive: async ({ number }, level) => {
            this.driven.push(`${number}=${level}`);
          },
        };
      },
    });
    await this.#plug.connect();
  }

  /** The guest changes lines, one after the other. */
  tell(...edges: readonly [line: number, level: 0 | 1][]): void {
    this.#tell(edges.map(([line, level]) => ({ line, level, timeNs: undefined })));
  }

  /** The guest toggles a line so many times, told in one piece. */
  toggle(line: number, times: number): void {
    const before = this.bank.level(line) ?? 0;
    this.#tell(
      Array.from({ length: times }, (_, index) => ({
        line,
        level: ((before + index + 1) % 2) as 0 | 1,
        timeNs: undefined,
      })),
    );
  }

  stop(): void {
    this.#plug?.unplug();
  }
}
