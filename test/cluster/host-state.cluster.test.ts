import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bringUp, kubectl, takeDown } from "../../scripts/cluster/cluster.ts";
import { clusterSettings } from "../../scripts/cluster/settings.ts";
import { noClusterReason } from "../../scripts/cluster/wanted.ts";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import { hostState, processesOf } from "./host-state.ts";

const reason = noClusterReason(process.env);
/** Beside the one that other tests use. */
const settings = clusterSettings(ownCacheFolder(), 9);

describe.skipIf(reason)(`a cluster on its host${reason === undefined ? "" : ` (${reason})`}`, () => {
  test("is one link and one subtree of cgroups, and after down nothing is left or changed", async () => {
    await takeDown(settings);
    // Other tests' cluster goes on meanwhile.
    const others = (line: string) => !/\bemufarm[0-8]\b/.test(line);
    const before = (await hostState()).filter(others);

    await bringUp(settings);
    const during = (await hostState()).filter(others);
    const added = during.filter((line) => !before.includes(line));
    await kubectl(settings, [
      "run",
      "guest",
      "--image=localhost/probe:1",
      "--image-pull-policy=Never",
      "--",
      "serve",
      ":80",
    ]);
    await kubectl(settings, ["wait", "--for=condition=Ready", "pod/guest", "--timeout=60s"]);
    await takeDown(settings);

    expect(before.filter((line) => !during.includes(line))).toEqual([]);
    expect(added.filter((line) => !line.includes(settings.name) && !isOfOurNetwork(line))).toEqual([]);
    expect(added.filter((line) => line.startsWith("link "))).toHaveLength(1);
    expect(existsSync(settings.folder)).toBe(false);
    // The host's first process reaps the last ones, and the kernel clears links away, when they get to it.
    await expect.poll(() => processesOf(settings.name, settings.folder)).toEqual([]);
    await expect.poll(async () => (await hostState()).filter(others)).toEqual(before);
  });
});

function isOfOurNetwork(line: string): boolean {
  return [settings.network, settings.pods, settings.services].some((prefix) => line.includes(` ${prefix}.`));
}
