import { FarmError } from "../../core/error/farm-error.ts";
import type { FrontEndCommand } from "../../core/wire/front-end.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import { whenStarted } from "../guest/running-boot.ts";
import type { FrontEndConsole } from "./front-end-console.ts";

/**
 * Gives a board another firmware, which its next boot runs; false where it has that already.
 * @throws {FarmError} what is wrong with the image
 */
export type LoadFirmware = (owner: ChannelOwner, bytes: Buffer) => Promise<boolean>;

/** @throws {FarmError} why it cannot be done */
export async function performForFrontEnd(
  command: FrontEndCommand,
  owner: ChannelOwner,
  consoles: readonly FrontEndConsole[],
  load: LoadFirmware,
): Promise<void> {
  const { guest, gpio } = owner;
  switch (command.type) {
    case "start_instance":
      return await start(command, owner, load);
    case "stop_instance":
      await whenStarted(guest, command.type);
      return await guest.powerOff();
    case "load_firmware": {
      const image = imageOf(command);
      if (!image) throw new FarmError("InvalidRequest", { problems: "load_firmware has no firmware" });
      await whenStarted(guest, command.type);
      await load(owner, image);
      return await guest.powerCycle();
    }
    case "set_pin_state":
      return await gpio.drive(command.pin, command.state);
    case "send_serial_bytes": {
      const console = consoles[command.uart];
      if (!console) throw new FarmError("NotFound", { kind: "UART", name: String(command.uart) });
      const { bytes } = command;
      return await console.write(typeof bytes === "string" ? Buffer.from(bytes, "base64") : Uint8Array.from(bytes));
    }
  }
}

/** A board that is on stays as it is, unless its firmware is to be another. */
async function start(
  command: Extract<FrontEndCommand, { type: "start_instance" }>,
  owner: ChannelOwner,
  load: LoadFirmware,
): Promise<void> {
  const { guest } = owner;
  const { board } = command;
  if (board !== undefined && board !== guest.boardName) {
    const problem = `this is a ${guest.boardName}; what board it is cannot be changed here`;
    throw new FarmError("Conflict", { what: `Starting a ${board}`, problem });
  }
  await whenStarted(guest, command.type);
  const image = imageOf(command);
  if (image && (await load(owner, image)) && guest.boot) await guest.powerCycle();
  else await guest.powerOn();
}

function imageOf({ firmware, firmware_b64 }: { firmware?: string | undefined; firmware_b64?: string | undefined }) {
  const base64 = firmware ?? firmware_b64;
  return base64 === undefined ? undefined : Buffer.from(base64, "base64");
}
