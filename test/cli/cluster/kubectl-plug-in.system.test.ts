import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { programFolders } from "../../../scripts/cluster/tools.ts";
import { ownCacheFolder } from "../../../scripts/setup/folders.mjs";
import { noControlPlane, startControlPlane } from "../../cluster/control-plane.ts";
import { CliPlace, PROJECT } from "../cli-place.ts";

const INSTANCE = join(PROJECT, "manifests/examples/instance.yaml");
const unavailable = noControlPlane();

it.skipIf(unavailable)(
  `kubectl finds emufarm as its plug-in, whose commands work on kubectl's cluster${unavailable ? ` (${unavailable})` : ""}`,
  async () => {
    await using plane = await startControlPlane({ hasDefinitions: true });
    using place = new CliPlace();
    const bin = installed(place.folder);
    // Where kubectl looks by itself: the place's folder is its home.
    mkdirSync(join(place.folder, ".kube"));
    copyFileSync(plane.kubeconfig, join(place.folder, ".kube/config"));
    const path = [bin, ...programFolders(ownCacheFolder(), ["kubernetes"]), process.env.PATH].join(delimiter);
    const run = (program: string, ...args: string[]) =>
      place.run(args, { program: [program], env: { PATH: path }, cwd: place.folder });

    expect((await run("kubectl", "plugin", "list")).stdout).toContain(join(bin, "kubectl-emufarm"));
    expect(await run("kubectl", "emufarm", "apply", "-f", INSTANCE)).toEqual({
      code: 0,
      stdout: "emulatorinstance.emufarm.dev/sensor-01 serverside-applied\n",
      stderr: "",
    });
    const got = await run("kubectl", "emufarm", "get", "emu", "-o", "name");
    expect(got).toEqual({ code: 0, stdout: await plainly(run, "get", "emu", "-o", "name"), stderr: "" });
    // Under its own name a farm of this machine is meant, whose folder is named here.
    const own = await run("emufarm", "get", "emu", "-o", "name");
    expect(own.code).toBe(5);
    expect(own.stderr).toContain(`No farm answers at ${place.data}.`);
  },
);

async function plainly(run: (...args: string[]) => Promise<{ stdout: string }>, ...args: string[]): Promise<string> {
  return (await run("kubectl", ...args)).stdout;
}

/** The launcher as npm installs it; the bundle that it starts is the sources here. */
function installed(folder: string): string {
  const project = join(folder, "emufarm");
  for (const path of ["bin", "node_modules/.bin", "dist/cli"]) mkdirSync(join(project, path), { recursive: true });
  cpSync(join(PROJECT, "bin"), join(project, "bin"), { recursive: true, verbatimSymlinks: true });
  symlinkSync(process.execPath, join(project, "node_modules/.bin/node"));
  writeFileSync(join(project, "dist/cli/main.js"), `import ${JSON.stringify(join(PROJECT, "src/cli/main.ts"))};\n`);
  writeFileSync(join(project, "package.json"), '{"type": "module"}\n');
  return join(project, "bin");
}
