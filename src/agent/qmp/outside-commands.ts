import { FarmError } from "../../core/error/farm-error.ts";
import { isTouchingDevices } from "../monitor/hmp-allow-list.ts";
import { askMonitor } from "../monitor/monitor.ts";
import { setProperty } from "../property/properties.ts";
import { assertAllowedCommand, isAllowedCommand, isLookingCommand } from "./qmp-allow-list.ts";
import type { QmpSession } from "./qmp-session.ts";

type Arguments = Readonly<Record<string, unknown>> | undefined;

/** An emulator as those outside may use it. */
export interface OutsideTarget {
  readonly session: Pick<QmpSession, "execute">;
  /** Called before anything is done that could change the board: its emulator must not serve another one. */
  spoil(): void;
}

/** Commands that are done with care: their arguments decide. */
const CAREFUL: Readonly<Record<string, (target: OutsideTarget, args: Arguments) => Promise<unknown>>> = {
  "qom-set": async ({ session, spoil }, args) => {
    const [path, property] = [textOf(args, "path"), textOf(args, "property")];
    spoil();
    await setProperty(session, path, property, args?.value);
    return {};
  },
  "human-monitor-command": async ({ session, spoil }, args) => {
    const line = textOf(args, "command-line");
    if (isTouchingDevices(line)) spoil();
    const cpu = args?.["cpu-index"];
    return (await askMonitor(session, line, typeof cpu === "number" ? cpu : undefined)).replaceAll("\n", "\r\n");
  },
  // Programs that offer commands to people offer those that they may send.
  "query-commands": async ({ session }) => {
    const commands = (await session.execute("query-commands")) as { readonly name: string }[];
    return commands.filter(({ name }) => isAllowedCommand(name) || name in CAREFUL || name === "qmp_capabilities");
  },
};

/**
 * Carries out what somebody outside asks by QMP: a client of the proxy, or a scenario.
 * @throws {FarmError} QmpCommandRefused, PropertyRefused, PropertyUnknown, MonitorCommandRefused, QmpFailed
 */
export async function executeFromOutside(target: OutsideTarget, command: string, args: Arguments): Promise<unknown> {
  const careful = Object.hasOwn(CAREFUL, command) ? CAREFUL[command] : undefined;
  if (careful) return await careful(target, args);
  assertAllowedCommand(command);
  if (!isLookingCommand(command)) target.spoil();
  return await target.session.execute(command, args);
}

function textOf(args: Arguments, name: string): string {
  const value = args?.[name];
  if (typeof value === "string") return value;
  throw new FarmError("InvalidRequest", { problems: `Parameter '${name}' is missing or no text` });
}
