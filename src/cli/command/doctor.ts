import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { EXIT } from "../exit-code.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { emulatorFindings, farmQemuFinding } from "./doctor-emulators.ts";
import { machineFindings } from "./doctor-machine.ts";
import { type Finding, findingText } from "./finding.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";

/** `emufarm doctor`: what this machine, or the cluster, has, and what to do about what it has not. Fails where nothing could run. */
export async function doctor(
  surroundings: Surroundings,
  options: JsonOptions & { readonly probeNetwork?: true },
): Promise<number> {
  const { stdout, env } = surroundings;
  const paint = painter(stdout, env);
  const findings: Finding[] = [];
  const tell = (some: readonly Finding[]) => {
    findings.push(...some);
    if (!options.json) for (const finding of some) stdout.write(findingText(finding, paint));
  };
  if (isClusterWanted(surroundings, options)) {
    tell(await (await import("../cluster/cluster-findings.ts")).clusterFindings(surroundings, options));
  } else {
    tell(await machineFindings(surroundings, options));
    tell([farmQemuFinding(surroundings)]);
    tell(await emulatorFindings(surroundings, options));
  }
  if (options.json) stdout.write(jsonText(findings));
  return findings.some(({ level }) => level === "fail") ? EXIT.failed : EXIT.passed;
}
