import { takeScreenshot } from "../display/screenshot.ts";
import type { GpioBank } from "../gpio/gpio-bank.ts";
import type { Guest } from "../guest/guest.ts";
import { runningBoot } from "../guest/running-boot.ts";
import { getProperty, setProperty } from "../property/properties.ts";
import { executeFromOutside } from "../qmp/outside-commands.ts";
import type { ArtifactSink } from "../scenario/artifact-sink.ts";
import type { GuestControl } from "../scenario/guest-control.ts";
import type { GuestParts } from "../scenario/guest-parts.ts";
import type { UartHub } from "../uart/uart-hub.ts";
import type { GuestDeadlines } from "./guest-deadlines.ts";

export interface GuestControlParts {
  readonly guest: Guest;
  readonly hubs: readonly UartHub[];
  readonly gpio: GpioBank;
  readonly parts: GuestParts | undefined;
  readonly artifacts: ArtifactSink;
  readonly deadlines: GuestDeadlines;
  /** Told before the scenario itself pauses or resumes. */
  onPause(isPaused: boolean): void;
}

/** What the scenario may do with the guest. */
export function guestControl({
  guest,
  hubs,
  gpio,
  parts,
  artifacts,
  deadlines,
  onPause,
}: GuestControlParts): GuestControl {
  return {
    uarts: new Map(hubs.map((hub) => [hub.name, hub])),
    console: hubs[0]?.name ?? "",
    pins: gpio,
    parts,
    artifacts,
    exited: () => guest.exited(),
    async power(state) {
      if (state === "on") await guest.powerOn();
      else if (state === "off") await guest.powerOff();
      else await guest.powerCycle();
    },
    reset: () => guest.reset(),
    pause() {
      onPause(true);
      return guest.pause();
    },
    async resume() {
      await guest.resume();
      onPause(false);
    },
    afterGuestTime: (ms, onPassed) => deadlines.set(ms, onPassed),
    async qmp(command, args) {
      const boot = await runningBoot(guest, command);
      return executeFromOutside({ session: boot.qmp, spoil: () => boot.spoil() }, command, args);
    },
    getProperty: async (path, name) =>
      (await getProperty((await runningBoot(guest, "a property")).qmp, path, name)).value,
    async setProperty(path, name, value) {
      const { qmp } = await runningBoot(guest, "a property");
      guest.spoil();
      await setProperty(qmp, path, name, value);
    },
    screenshot: () => takeScreenshot(guest),
  };
}
