import { FarmError } from "../../core/error/farm-error.ts";
import { connectDriver } from "../gpio/connect-driver.ts";
import type { EmulatorSeat } from "../gpio/emulator-seat.ts";
import { gpioAbilities } from "../gpio/gpio-driver.ts";
import type { GpioPlug } from "../gpio/gpio-port.ts";
import type { QmpClient } from "../qmp/qmp-client.ts";
import type { BootRequest } from "./boot.ts";
import type { LiveEmulator } from "./live-emulator.ts";

export interface BootPinsOptions {
  readonly request: BootRequest;
  readonly live: LiveEmulator;
  /** The guest will stand still and go on for the sake of its pins: nobody has paused it. */
  onHeld(): void;
  onFailed(error: FarmError): void;
}

/**
 * The pins of a boot. While they are connected, each reset of the guest is carried out by the farm: the emulator stands
 * still until all has been told that was before it, and what is driven from outside is so before the guest's first
 * instruction after it, as on a real board.
 */
export class BootPins {
  readonly #options: BootPinsOptions;
  readonly #plug: GpioPlug | undefined;
  readonly #qmp: QmpClient;
  #isHolding = false;
  #isFirst = false;
  /** The driver has to know of resets. */
  #isResettable = false;
  #lastReset: Promise<void> = Promise.resolve();
  /** Resets of the guest that one under way takes care of. */
  #isResetAhead = false;

  constructor(options: BootPinsOptions) {
    const { request, live } = options;
    const { gpio, boot, boardName, slot } = request;
    this.#options = options;
    this.#qmp = live.qmp;
    const { info } = live.emulator;
    if (!gpio?.needs) return;
    const isFarmEmulator = info.farmRevision !== undefined;
    const { needs } = gpio;
    const abilities = gpioAbilities(needs.gpio, { isFarmEmulator });
    const seat: EmulatorSeat = {
      boardName,
      qmp: live.qmp,
      folder: slot.folder,
      isFarmEmulator,
      beganNs: live.beganNs,
      once: (key, act) => live.once(key, act),
    };
    this.#plug = gpio.attach(boot, {
      abilities,
      connect: async (onEdges) => {
        const link = await connectDriver({ ...needs, seat, abilities, onEdges });
        this.#isResettable = link.renew !== undefined;
        // Before the guest's first instruction, a reset of ours comes first.
        if (!this.#isFirst && this.#isResettable) await this.#holdResets();
        return link;
      },
    });
  }

  /** Resets are carried out by the farm. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** True where this end of the emulator is a reset that the farm carries out. */
  takesAsReset(reason: string): boolean {
    const isReset = reason === "guest-reset" || reason === "host-qmp-system-reset";
    return this.#isHolding && isReset && this.#options.request.onReset === "continue";
  }

  /**
   * Before the guest's first instruction: connects its pins where they are wanted from there on.
   * @throws {FarmError} PinsFailed, NotSupportedHere
   */
  async connectFirst(): Promise<void> {
    const { gpio } = this.#options.request;
    if (!gpio?.isWanted || !this.#plug) return;
    this.#isFirst = true;
    await this.#plug.connect();
    // What a reset raises was raised before anybody watched.
    if (this.#isResettable) await this.#systemReset();
    await this.#plug.afterReset();
    if (this.#isResettable) await this.#holdResets();
  }

  /** The guest has reset itself, and stands still. */
  afterGuestReset(): void {
    if (this.#isResetAhead) return;
    void this.reset();
  }

  /** Resets the guest; it goes on unless it was paused. */
  reset(): Promise<void> {
    this.#isResetAhead = true;
    const done = this.#lastReset.then(() => this.#reset());
    this.#lastReset = done.catch((error: unknown) => this.#options.onFailed(FarmError.from(error)));
    return this.#lastReset;
  }

  /** Settles once no reset is under way. */
  settled(): Promise<void> {
    return this.#lastReset;
  }

  /** The boot has ended; its emulator may serve another one. */
  unplug(): void {
    this.#plug?.unplug();
    if (!this.#isHolding) return;
    this.#isHolding = false;
    if (this.#options.request.onReset === "end") return;
    this.#setResetAction("reset").catch(() => {
      // An emulator that has gone needs none.
    });
  }

  async #reset(): Promise<void> {
    const plug = this.#plug;
    if (!plug?.isConnected()) return;
    const { status } = (await this.#qmp.execute("query-status")) as { readonly status: string };
    const isToGoOn = status === "running" || status === "shutdown";
    if (status === "running") {
      this.#options.onHeld();
      await this.#qmp.execute("stop");
    }
    await plug.beforeReset();
    await this.#systemReset();
    this.#isResetAhead = false;
    await plug.afterReset();
    if (isToGoOn) await this.#qmp.execute("cont");
  }

  async #systemReset(): Promise<void> {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const stopListening = this.#qmp.onEvent(({ event }) => {
      if (event === "RESET") resolve();
    });
    try {
      await Promise.all([
        this.#setResetAction("reset"),
        this.#qmp.execute("system_reset"),
        ...(this.#isHolding ? [this.#setResetAction("shutdown")] : []),
        Promise.race([done, this.#qmp.closed]),
      ]);
    } finally {
      stopListening();
    }
  }

  async #holdResets(): Promise<void> {
    await this.#setResetAction("shutdown");
    this.#isHolding = true;
  }

  async #setResetAction(reboot: "reset" | "shutdown"): Promise<void> {
    await this.#qmp.execute("set-action", { reboot });
  }
}
