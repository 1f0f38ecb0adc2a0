import { FarmError } from "../../core/error/farm-error.ts";
import type { PropertyEntry, PropertyValue } from "../../core/wire/property.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";
import { isChildType, isSettable, stepsWithinMachine } from "./settable.ts";

type Qmp = Pick<QmpSession, "execute">;

interface QomProperty {
  readonly name: string;
  readonly type: string;
  readonly description?: string;
}

/**
 * The properties of an object.
 * @param path QOM path such as `/machine/soc`; a part of one that is unique is fine where nothing is set
 * @throws {FarmError} PropertyUnknown, QmpFailed; likewise below
 */
export async function listProperties(qmp: Qmp, path: string): Promise<PropertyEntry[]> {
  const isOwn = stepsWithinMachine(path) !== undefined;
  return (await qomList(qmp, path)).map(({ name, type, description }) => ({
    name,
    type,
    ...(description !== undefined && { description }),
    isSettable: isOwn && isSettable({ name, type }),
  }));
}

export async function getProperty(qmp: Qmp, path: string, name: string): Promise<PropertyValue> {
  const { type } = await findProperty(qmp, path, name);
  const value = await asked(qmp, "qom-get", { path, property: name });
  return { path, name, type, value };
}

/**
 * Sets a plain property (a truth value or a number) of one of the board's own objects.
 * @throws {FarmError} PropertyRefused as well
 */
export async function setProperty(qmp: Qmp, path: string, name: string, value: unknown): Promise<void> {
  await assertOwnObject(qmp, path, name);
  const { type } = await findProperty(qmp, path, name);
  if (!isSettable({ name, type })) {
    throw refused(path, name, `only truth values and numbers may be set from outside, and this is ${type}`);
  }
  const wanted = type === "bool" ? "boolean" : "number";
  if (typeof value !== wanted) throw refused(path, name, `it is ${type}, and ${JSON.stringify(value)} is not`);
  await asked(qmp, "qom-set", { path, property: name, value });
}

/** What leads there by a link may belong to the host, whatever its path looks like. */
async function assertOwnObject(qmp: Qmp, path: string, name: string): Promise<void> {
  const steps = stepsWithinMachine(path);
  if (steps === undefined) throw refused(path, name, "only what lies under /machine may be set");
  let parent = "/machine";
  for (const step of steps) {
    const found = (await qomList(qmp, parent)).find((one) => one.name === step);
    if (!found) throw unknown(path, name, `${parent} has no ${step}`);
    if (!isChildType(found.type)) throw refused(path, name, `${step} is a ${found.type}, which is not the board's own`);
    parent = `${parent}/${step}`;
  }
}

async function findProperty(qmp: Qmp, path: string, name: string): Promise<QomProperty> {
  const found = (await qomList(qmp, path)).find((one) => one.name === name);
  if (!found) throw unknown(path, name, `${path} has no property of that name`);
  return found;
}

async function qomList(qmp: Qmp, path: string): Promise<QomProperty[]> {
  return (await asked(qmp, "qom-list", { path })) as QomProperty[];
}

/** What the emulator says against it is about the question, not a fault of the farm's. */
async function asked(qmp: Qmp, command: string, args: { path: string; property?: string; value?: unknown }) {
  try {
    return await qmp.execute(command, args);
  } catch (error) {
    const { details } = FarmError.from(error);
    if (details.qmpDescription === undefined) throw error;
    const problem = String(details.qmpDescription);
    throw command === "qom-set"
      ? refused(args.path, args.property ?? "", problem)
      : unknown(args.path, args.property, problem);
  }
}

function unknown(path: string, name: string | undefined, problem: string): FarmError {
  return new FarmError("PropertyUnknown", { property: name === undefined ? path : `${path}.${name}`, problem });
}

function refused(path: string, name: string, problem: string): FarmError {
  return new FarmError("PropertyRefused", { property: `${path}.${name}`, problem });
}
