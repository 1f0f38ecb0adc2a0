import type { Resource } from "./kube-object.ts";

/** The path of all objects of a kind, in a namespace or in all of them. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const { apiVersion, plural, isNamespaced } = resource;
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${group}${scope}/${plural}`;
}

/** The path that a new object is sent to. @throws RangeError without the namespace that the kind needs */
export function newObjectPath(resource: Resource, namespace: string | undefined): string {
  if (resource.isNamespaced && !namespace) throw new RangeError(`a ${resource.kind} needs a namespace`);
  return collectionPath(resource, namespace);
}

/** The path of one object. @throws RangeError without a name, or without the namespace that the kind needs */
export function objectPath(resource: Resource, name: string, namespace: string | undefined): string {
  if (name === "") throw new RangeError(`a ${resource.kind} without a name has no path`);
  return `${newObjectPath(resource, namespace)}/${encodeURIComponent(name)}`;
}
