import type { Slot } from "../slot/slot.ts";
import type { LiveEmulator } from "./live-emulator.ts";

/** How long an emulator may wait for a boot: people edit for minutes between two tests. */
const WAIT_MS = 10 * 60_000;

/** An emulator that waits in a slot for its next boot. */
export interface Waiting {
  readonly live: LiveEmulator;
  /** Its program and arguments: only a boot that would start just this one may have it. */
  readonly key: string;
  readonly boardName: string;
  /** Whose guests it has run; undefined: nobody's. */
  readonly tenant: string | undefined;
}

interface Place {
  waiting: Waiting | undefined;
  /** Of the start of one, or of the end of what waits. */
  timer: NodeJS.Timeout | undefined;
  /** The start of one, under way; never rejects. */
  starting: Promise<void> | undefined;
}

/** The emulators that wait, at most one in each slot. An idle one does nothing; one that has died is forgotten. */
export class Standby implements AsyncDisposable {
  readonly #places = new WeakMap<Slot, Place>();
  readonly #all = new Set<Waiting>();
  readonly #starts = new Set<Promise<void>>();
  #isEnded = false;

  /** 2: a boot of this board and tenant may find what it needs; 1: nothing is there; 0: what is there would be lost. */
  rank(slot: Slot, { tenant, boardName }: { tenant: string; boardName: string }): number {
    const waiting = this.#places.get(slot)?.waiting;
    if (!waiting?.live.isAlive) return 1;
    return waiting.boardName === boardName && isFor(waiting, tenant) ? 2 : 0;
  }

  /** Gives up what waits in the slot: to the caller where it fits, else it is ended first. */
  async take(slot: Slot, wanted: { tenant: string; key: string } | undefined): Promise<Waiting | undefined> {
    const place = this.#place(slot);
    clearTimeout(place.timer);
    // It sweeps the slot's folder, and must neither meet the files of this boot nor come to wait beside it.
    await place.starting;
    clearTimeout(place.timer);
    const { waiting } = place;
    if (!waiting) return undefined;
    place.waiting = undefined;
    this.#all.delete(waiting);
    if (wanted && waiting.key === wanted.key && isFor(waiting, wanted.tenant) && waiting.live.isAlive) return waiting;
    await waiting.live[Symbol.asyncDispose]();
    return undefined;
  }

  /** The slot is free, and this emulator waits in it. */
  keep(slot: Slot, waiting: Waiting): void {
    const place = this.#place(slot);
    waiting.live.rest();
    if (this.#isEnded) {
      waiting.live.process.kill();
      return;
    }
    clearTimeout(place.timer);
    place.waiting = waiting;
    place.timer = setTimeout(() => void this.take(slot, undefined), WAIT_MS).unref();
    this.#all.add(waiting);
  }

  /** Starts one once the slot has been free for so long: a busy slot has no use for it. */
  keepLater(slot: Slot, delayMs: number, start: () => Promise<Waiting>): void {
    const place = this.#place(slot);
    if (this.#isEnded || place.waiting || place.starting) return;
    clearTimeout(place.timer);
    place.timer = setTimeout(() => {
      const starting = start()
        .then(
          (waiting) => this.keep(slot, waiting),
          () => {
            // Nobody has asked for it: the boot that does will say what is wrong.
          },
        )
        .finally(() => {
          place.starting = undefined;
          this.#starts.delete(starting);
        });
      place.starting = starting;
      this.#starts.add(starting);
    }, delayMs).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await Promise.all(this.#starts);
    await Promise.all([...this.#all].map(({ live }) => live[Symbol.asyncDispose]()));
    this.#all.clear();
  }

  #place(slot: Slot): Place {
    const known = this.#places.get(slot);
    if (known) return known;
    const place: Place = { waiting: undefined, timer: undefined, starting: undefined };
    this.#places.set(slot, place);
    return place;
  }
}

function isFor({ tenant }: Waiting, wanted: string): boolean {
  return tenant === undefined || tenant === wanted;
}
