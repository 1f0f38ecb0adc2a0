import type { LockedPackages } from "./debian-lock.ts";
import type { ImageDefinition } from "./definition.ts";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, as the package says. */
  readonly license: string | undefined;
  /** Where it lies in the project. */
  readonly folder: string;
}

export interface Parts {
  readonly definition: ImageDefinition;
  readonly version: string;
  readonly license: string;
  readonly architecture: string;
  readonly packages: LockedPackages;
  readonly npmPackages: readonly NpmPackage[];
  /** Version of Node. */
  readonly node: string;
}

/** The parts of an image as CycloneDX 1.6 tells them: Debian's packages, Node, and npm's packages in the bundle. */
export function billOfMaterials(parts: Parts) {
  const { definition, version, license, architecture, packages, npmPackages, node } = parts;
  const ours = { type: "application", name: `emufarm-${definition.name}`, version };
  const debian = Object.entries(packages).map(([name, one]) => ({
    type: "library",
    name,
    version: one.version,
    purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(one.version)}?arch=${architecture}&distro=debian-13`,
    hashes: [{ alg: "SHA-256", content: one.sha256 }],
  }));
  const npm = npmPackages.map((one) => ({
    type: "library",
    name: one.name,
    version: one.version,
    purl: `pkg:npm/${one.name.replace("@", "%40")}@${one.version}`,
    ...(one.license !== undefined && { licenses: [{ expression: one.license }] }),
  }));
  const runtime = { type: "platform", name: "node", version: node, purl: `pkg:generic/node@${node}` };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { ...ours, licenses: [{ expression: license }] } },
    components: [...debian, runtime, ...npm].map((one) => ({ "bom-ref": one.purl, ...one })),
  };
}
