/** What the test of the Containerfiles takes from the distribution. */
import { elevation, installPackages } from "../setup/apt.mjs";
import { thisDistribution } from "../setup/distribution.mjs";
import { machineAt, missingPackages } from "../setup/system-packages.mjs";

const CONTAINER_TOOLS = [
  { what: "buildah", commands: ["buildah"], packageName: () => "buildah" },
  { what: "debootstrap", commands: ["debootstrap"], packageName: () => "debootstrap" },
];

/** Packages that are not installed. */
export function missingContainerTools(): string[] {
  const path = `${process.env.PATH ?? ""}:/usr/sbin`;
  return missingPackages(CONTAINER_TOOLS, thisDistribution(), machineAt(path));
}

/** @throws {SetupError} where a person has to install them */
export function ensureContainerTools(): void {
  const missing = missingContainerTools();
  if (missing.length > 0) installPackages(missing, elevation());
}
