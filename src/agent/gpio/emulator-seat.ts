import type { QmpSession } from "../qmp/qmp-session.ts";

/** The emulator of a boot, as a driver of pins sees it. */
export interface EmulatorSeat {
  readonly boardName: string;
  readonly qmp: QmpSession;
  /** Working folder of the emulator; nobody but it and the agent may enter. */
  readonly folder: string;
  readonly isFarmEmulator: boolean;
  /** The emulator's virtual clock when the guest's boot began. */
  readonly beganNs: number;
  /** Done once in the life of the emulator's process, whichever boots it serves. */
  once(key: string, act: () => Promise<void>): Promise<void>;
}
