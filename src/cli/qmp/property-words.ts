import type { PropertyEntry } from "../../core/wire/property.ts";
import type { Target } from "../channel/target.ts";

/** The properties of an object. */
export async function listObject(target: Pick<Target, "request">, path: string): Promise<readonly PropertyEntry[]> {
  const query = new URLSearchParams({ path });
  const { properties } = await target.request<{ readonly properties: readonly PropertyEntry[] }>({
    method: "GET",
    path: `properties?${query}`,
  });
  return properties;
}

/** Paths that may be meant by what has been typed of one: the objects within the last whole one. */
export async function pathsFrom(target: Pick<Target, "request">, typed: string): Promise<string[]> {
  const end = typed.lastIndexOf("/");
  const parent = end <= 0 ? "/" : typed.slice(0, end);
  const base = parent === "/" ? "" : parent;
  const within = (await listObject(target, parent)).filter(({ type }) => type.startsWith("child<"));
  return within.map(({ name }) => `${base}/${name}`);
}

/** Names of an object's properties that have a value; of those that may be set alone. */
export async function namesOf(target: Pick<Target, "request">, path: string, isSetting: boolean): Promise<string[]> {
  const properties = await listObject(target, path);
  const meant = properties.filter(({ type, isSettable }) => (isSetting ? isSettable : !type.startsWith("child<")));
  return meant.map(({ name }) => name);
}
