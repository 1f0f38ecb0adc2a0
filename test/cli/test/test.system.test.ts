import { statSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliPlace, image, PROJECT, type StartedCli } from "../cli-place.ts";

const BOARD = "mps2-an385";
const MAIN = join(PROJECT, "src/cli/main.ts");

let place: CliPlace;
let farm: StartedCli;

beforeAll(async () => {
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "2"]);
  await farm.said("is up");
});

afterAll(async () => {
  farm.signal("SIGTERM");
  await farm.result;
  place[Symbol.dispose]();
});

async function runFile(name: string, spec: unknown): Promise<string> {
  const file = join(place.folder, `${name}.run.yaml`);
  const document = { apiVersion: "emufarm.dev/v1alpha1", kind: "Run", metadata: { name }, spec };
  await writeFile(file, JSON.stringify(document));
  return file;
}

const hello = { board: BOARD, firmware: image(BOARD, "hello") };

describe("emufarm test", () => {
  it("runs a matrix, says a line for each job, and writes a JUnit report", async () => {
    const file = await runFile("matrix", {
      matrix: [{ boards: [BOARD, "riscv32-virt"], firmware: [image(BOARD, "hello").replace(BOARD, "{board}")] }],
    });
    const junit = join(place.folder, "report.xml");
    const { code, stdout } = await place.run(["test", file, "--junit", junit]);
    expect(stdout).toMatch(/^ok {3}\d\/2 {2}mps2-an385 +hello/m);
    expect(stdout).toContain("2 jobs: 2 passed");
    expect(stdout).toContain(`JUnit report: ${junit}`);
    expect(code).toBe(0);
    expect(await readFile(junit, "utf8")).toMatch(/<testsuites?.*tests="2"/s);
  });

  it("tells a report that cannot be written before anything runs", async () => {
    const file = await runFile("reported", { jobs: [hello] });
    const junit = join(place.folder, "nowhere", "report.xml");
    const { code, stdout, stderr } = await place.run(["test", file, "--junit", junit]);
    expect(stderr).toContain(`${junit} cannot be written`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("shows a failure on the spot, with a command that runs just it again", async () => {
    const file = await runFile("mixed", {
      jobs: [
        { ...hello, name: "good" },
        { ...hello, name: "bad", firmware: image(BOARD, "unity-fail") },
        { ...hello, name: "meant to fail", firmware: image(BOARD, "unity-fail"), expect: { verdict: "failed" } },
      ],
    });
    const { code, stdout } = await place.run(["test", file], { cwd: place.folder });
    expect(stdout).toContain("why   The guest ended with exit code 1. [NonZeroExit]");
    expect(stdout).toContain("│ test/test_ring.c:35:test_push_to_full:FAIL");
    expect(stdout).toContain("3 jobs: 1 passed, 1 failed as expected, 1 failed");
    expect(code).toBe(1);
    const again = /again emufarm test (\S+) --only '(.*)' --data /m.exec(stdout);
    const second = await place.run(["test", String(again?.[1]), "--only", String(again?.[2])], { cwd: place.folder });
    expect(second.stdout).toContain("1 job: 1 failed");
  });

  it.each([
    ["an option", () => ["--data", place.data], { EMUFARM_DATA: "" }],
    ["the environment", () => [], {}],
  ] as const)("prints commands that work as they stand where the farm was named by %s", async (_what, named, env) => {
    const file = await runFile("pasted", { jobs: [{ ...hello, name: "bad", firmware: image(BOARD, "unity-fail") }] });
    const { stdout } = await place.run(["test", file, ...named()], { env });
    const paste = async (line: RegExp) => {
      const command = line.exec(stdout)?.[1] ?? "no such line";
      const program = ["sh", "-c", `emufarm() { "$NODE" "$MAIN" "$@"; }; ${command}`];
      return place.run([], { program, env: { EMUFARM_DATA: "", NODE: process.execPath, MAIN } });
    };
    expect((await paste(/log +(emufarm logs .*)/)).stdout).toContain("test_push_to_full");
    expect((await paste(/again (emufarm test .*)/)).stdout).toContain("1 job: 1 failed");
    const described = (await paste(/^Run \w+: (.*)/m)).stdout;
    expect(described).toMatch(/outcome +failed/);
    expect(described).toMatch(new RegExp(`list +emufarm get \\w+ --data ${place.data}`));
  });

  it("counts jobs of boards that cannot run here as skipped, with what to install", async () => {
    const board = await readFile(join(import.meta.dirname, `../../../manifests/boards/${BOARD}.yaml`), "utf8");
    const manifest = join(place.folder, "future.yaml");
    await writeFile(
      manifest,
      board.replace(`name: ${BOARD}`, "name: future").replace(/minVersion: .*/, 'minVersion: "99.0"'),
    );
    // By an option alone, which the command above it has as well.
    const added = await place.run(["boards", "add", manifest, "--data", place.data], { env: { EMUFARM_DATA: "" } });
    expect(added.stdout).toContain("Board future is added, but cannot run here");
    const file = await runFile("skipped", { jobs: [hello, { ...hello, board: "future" }] });
    const { code, stdout } = await place.run(["test", file]);
    expect(stdout).toMatch(/^skip .*future.*skipped: .*99\.0/m);
    expect(stdout).toContain("2 jobs: 1 passed, 1 skipped");
    expect(code).toBe(0);
    const without = await runFile("skipped", { jobs: [hello, { board: "future", firmware: "not-built.elf" }] });
    expect((await place.run(["test", without])).stdout).toContain("2 jobs: 1 passed, 1 skipped");
    const nothing = await place.run(["test", file, "--only", "future"]);
    expect(nothing.stderr).toContain("nothing ran");
    expect(nothing.code).toBe(1);
    const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
    expect(run).toMatchObject({ outcome: "failed", totals: { skipped: 1, unexpected: 0 } });
  });

  it("runs every run file under a folder in one run, and shards it", async () => {
    const folder = join(place.folder, "suite");
    await mkdir(join(folder, "deep"), { recursive: true });
    for (const name of ["a", "deep/b"]) {
      const document = {
        apiVersion: "emufarm.dev/v1alpha1",
        kind: "Run",
        metadata: { name: name.slice(-1) },
        spec: { jobs: [hello], repeat: 2 },
      };
      await writeFile(join(folder, `${name}.run.yaml`), JSON.stringify(document));
    }
    const names: string[] = [];
    for (const shard of ["1/3", "2/3", "3/3"]) {
      const { stdout } = await place.run(["test", folder, "--shard", shard]);
      names.push(...[...stdout.matchAll(/[ab]: hello #\d/g)].map(([name]) => name));
    }
    expect(names.sort()).toEqual(["a: hello #1", "a: hello #2", "b: hello #1", "b: hello #2"]);
  });

  it.each([
    ["a file that is not there", ["none.run.yaml"], "There is no file or folder"],
    ["a firmware that is not there", [], "There is no file"],
  ])("ends with 2 for %s", async (_what, args, words) => {
    const file = await runFile("missing", { jobs: [{ board: BOARD, firmware: "gone.elf" }] });
    const { code, stderr } = await place.run(["test", ...(args.length > 0 ? args : [file])]);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
  });

  it("tells an unknown board before it looks for files", async () => {
    const file = await runFile("misspelt", { jobs: [{ board: "mps2-an358", firmware: "{board}/gone.elf" }] });
    const { code, stderr } = await place.run(["test", file]);
    expect(stderr).toContain("There is no board mps2-an358. Did you mean mps2-an385? [UnknownBoard]");
    expect(code).toBe(2);
  });

  it("tells every job that is wrong, with its place in the file, and runs none", async () => {
    const file = join(place.folder, "wrong-jobs.run.yaml");
    const lines = [
      "apiVersion: emufarm.dev/v1alpha1",
      "kind: Run",
      "metadata: { name: wrong-jobs }",
      "spec:",
      "  jobs:",
      `    - { name: good, board: ${BOARD}, firmware: "${hello.firmware}" }`,
      `    - { name: misspelt, board: mps2-an358, firmware: "${hello.firmware}" }`,
      `    - { name: absent, board: ${BOARD}, firmware: gone.elf }`,
      "  matrix:",
      `    - { name: foreign, boards: [riscv32-virt, ${BOARD}], firmware: ["${hello.firmware}"] }`,
    ];
    await writeFile(file, lines.join("\n"));
    const { code, stderr } = await place.run(["test", file, "--repeat", "2"], { cwd: place.folder });
    expect(stderr).toMatch(
      /wrong-jobs.run.yaml:7:\d+: spec.jobs\[1\].board: .*Did you mean mps2-an385\? \[UnknownBoard\]/,
    );
    expect(stderr).toContain('(jobs "misspelt #1" on mps2-an358, "misspelt #2" on mps2-an358)');
    expect(stderr).toMatch(
      /wrong-jobs.run.yaml:8:\d+: spec.jobs\[2\].firmware: There is no file gone.elf \[NotFound\]/,
    );
    expect(code).toBe(2);
    await writeFile(file, lines.filter((_line, index) => index !== 6 && index !== 7).join("\n"));
    const refused = await place.run(["test", file], { cwd: place.folder });
    expect(refused.stderr).toMatch(
      /wrong-jobs.run.yaml:8:\d+: spec.matrix\[0\].firmware\[0\]: .*\[FirmwareArchitecture\]/,
    );
    expect(refused.stderr).toContain('(job "foreign" on riscv32-virt)');
    expect(refused.code).toBe(2);
  });

  it("refuses a run file with an unknown key by its line", async () => {
    const file = join(place.folder, "wrong.run.yaml");
    await writeFile(file, "apiVersion: emufarm.dev/v1alpha1\nkind: Run\nmetadata: {name: x}\nspec:\n  jbos: []\n");
    const { code, stderr } = await place.run(["test", file]);
    expect(stderr).toMatch(/5:\d+.*jbos/s);
    expect(code).toBe(2);
  });

  it("tells what is wrong with every run file of a folder at once", async () => {
    const folder = join(place.folder, "broken");
    await mkdir(folder);
    for (const name of ["a", "b"]) await writeFile(join(folder, `${name}.run.yaml`), `kind: Run\nwrong-${name}: 1\n`);
    const { code, stderr } = await place.run(["test", folder]);
    expect(stderr).toMatch(/problems:\n.*a\.run\.yaml:.*wrong-a.*b\.run\.yaml:.*wrong-b/s);
    expect(code).toBe(2);
  });

  it.each([
    ["a pattern that is refused", '{wait-serial: {regex: "(a)\\\\1"}}', "4:19: steps[1].wait-serial: The pattern"],
    ["a step that no board can do", "{set-pin: {pin: 1, value: 1}}", "4:15: steps[1].set-pin: step 2 (set-pin) is not"],
  ])("tells %s by its file, line and column", async (_what, step, words) => {
    await writeFile(join(place.folder, "bad.yaml"), `version: 1\nsteps:\n  - delay: 1ms\n  - ${step}\n`);
    const file = await runFile("refused", { jobs: [hello, { ...hello, scenario: "bad.yaml" }] });
    const tested = await place.run(["test", file], { cwd: place.folder });
    expect(tested).toMatchObject({ code: 2, stderr: expect.stringContaining(`bad.yaml:${words}`) });
    const run = await place.run(["run", BOARD, hello.firmware, "--scenario", "bad.yaml"], { cwd: place.folder });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining(`bad.yaml:${words}`) });
    const alone = ["run", "--no-farm", BOARD, hello.firmware, "--scenario", "bad.yaml"];
    expect((await place.run(alone, { cwd: place.folder })).stderr).toContain(`bad.yaml:${words}`);
  });

  it("cancels the run when it is interrupted", async () => {
    const file = await runFile("long", {
      jobs: [{ board: BOARD, firmware: image(BOARD, "shell"), timeout: "5m" }],
      repeat: 4,
    });
    const started = place.start(["test", file, "--json"]);
    await started.said('"jobRunning"');
    started.signal("SIGINT");
    const { code, stdout, stderr } = await started.result;
    expect(stderr).toContain("emufarm: cancelling the run; Ctrl-C again ends at once, by force\n");
    expect(code).toBe(130);
    const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({ type: "end", run: { isCancelled: true, totals: { verdicts: { cancelled: 4 } } } });
  });

  it("starts a private farm where none is up, and leaves nothing of it", async () => {
    using own = new CliPlace();
    const file = await runFile("private", { jobs: [hello], repeat: 3 });
    const { code, stdout } = await own.run(["test", file]);
    expect(stdout).toContain("3 jobs: 3 passed");
    expect(code).toBe(0);
    expect(own.processes()).toEqual([]);
    expect(own.runtimeFiles()).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "confines the emulators of a private farm of root by a user of their own",
    async () => {
      using own = new CliPlace();
      const waits = { ...hello, firmware: image(BOARD, "shell"), expectText: "never" };
      const started = own.start(["test", await runFile("confined", { jobs: [waits] })]);
      const users = () =>
        own
          .processes()
          .flatMap(({ pid, command }) => (/^\S*qemu-system-/.test(command) ? [statSync(`/proc/${pid}`).uid] : []));
      await expect.poll(users, { timeout: 60_000 }).toEqual([expect.toSatisfy((uid: number) => uid > 65_535)]);
      started.signal("SIGINT");
      expect((await started.result).code).toBe(130);
    },
  );
});

describe("the questions to a farm", () => {
  it("answer about runs, jobs, logs and reports", async () => {
    const file = await runFile("asked", { jobs: [{ ...hello, name: "asked for" }] });
    await place.run(["test", file]);
    const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
    expect(run).toMatchObject({ name: "asked", outcome: "passed" });
    const job = `${run.id}-000000`;
    expect((await place.run(["get", run.id])).stdout).toContain("asked for");
    expect((await place.run(["describe", job])).stdout).toMatch(/board +mps2-an385/);
    const described = (await place.run(["describe", run.id])).stdout;
    expect(described).toMatch(/outcome +passed/);
    expect(described).toContain("1 as expected, 0 not");
    expect(described).toContain(`emufarm get ${run.id}`);
    expect((await place.run(["describe", "mps2-an358"])).stderr).toMatch(/no board.*no id of a run or job.*mps2-an385/);
    expect((await place.run(["describe", BOARD])).stdout).toMatch(/uarts +uart0/);
    expect((await place.run(["logs", job])).stdout).toBe("boot ok\n");
    expect((await place.run(["junit", run.id])).stdout).toContain("<testsuite");
    const unknown = await place.run(["describe", `${run.id.slice(0, -1)}z-000000`]);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("[NotFound]") });
  });

  it("follow a log, cancel a job, and attach to a console that another one writes to", async () => {
    const started = place.start(["run", BOARD, image(BOARD, "shell"), "--timeout", "5m", "-i"]);
    await started.said("emufarm shell");
    const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
    const job = `${run.id}-000000`;
    const console = place.start(["console", job]);
    await console.said("emufarm shell");
    const logs = place.start(["logs", job, "-f"]);
    await logs.said("emufarm shell");
    const cancelled = await place.run(["cancel", job, "--reason", "enough of it"]);
    expect(cancelled.code).toBe(0);
    expect((await console.result).code).toBe(0);
    expect((await logs.result).stdout).toContain("emufarm shell");
    const { code, stderr } = await started.result;
    expect(stderr).toContain("emufarm: cancelled: enough of it");
    expect(code).toBe(130);
    expect((await place.run(["cancel", job])).stdout).toBe(`Job ${job} had ended before: cancelled.\n`);
    expect((await place.run(["get", "jobs"])).stderr).toContain("The jobs of the newest run");
  });

  it("list the boards", async () => {
    const { stdout } = await place.run(["boards"]);
    expect(stdout).toMatch(/✔ +mps2-an385/);
    expect(stdout).toMatch(/\d+ of \d+ boards can run here/);
  });

  it("complete names, ids and options on the command line, of the farm that the line names", async () => {
    const { stdout } = await place.run(["run", BOARD, image(BOARD, "hello"), "--json"]);
    const job = JSON.parse(stdout).jobId as string;
    const run = job.replace(/-.*/, "");
    const script = join(place.folder, "completion.bash");
    await writeFile(script, (await place.run(["completion", "bash"])).stdout);
    const complete = async (line: string) => {
      const env = { EMUFARM_DATA: "", NODE: process.execPath, MAIN, LINE: line };
      const program = ["bash", join(PROJECT, "test/cli/command/complete-line.bash"), script];
      const { stdout: answer, stderr } = await place.run([], { program, env });
      expect(stderr).toBe("");
      return answer.split("\n").slice(0, -1);
    };
    const way = `--data ${place.data}`;
    expect(await complete("emufarm des")).toEqual(["describe"]);
    expect(await complete("emufarm run mps2-an38")).toEqual(["mps2-an385", "mps2-an386"]);
    expect(await complete(`emufarm describe ${way} r`)).toEqual(expect.arrayContaining([run, job, "riscv32-virt"]));
    expect(await complete(`emufarm logs ${way} ${run}`)).toEqual([job]);
    expect(await complete(`emufarm get ${way} `)).toEqual(expect.arrayContaining([run, "runs", "boards"]));
    expect(await complete("emufarm logs --da")).toEqual(["--data"]);
    expect(await complete("emufarm up --fa")).toEqual([]);
    expect(await complete("emufarm run b i --exit-code ")).toEqual(["farm", "guest"]);
    expect(await complete("emufarm logs r")).toEqual([]);
    for (const shell of ["bash", "zsh", "fish"]) {
      expect((await place.run(["completion", shell])).stdout).toContain("completion words -- ");
    }
  });

  it("say what this machine has", async () => {
    const { code, stdout } = await place.run(["doctor", "--json"]);
    const findings = JSON.parse(stdout) as { level: string; subject: string; text: string }[];
    expect(findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(["node", "redis", "kvm", "data", "cache", "runtime", "farm", "arm", "limits"]),
    );
    expect(findings.find(({ subject }) => subject === "farm")?.text).toMatch(/up at http:\/\/127\.0\.0\.1:\d+/);
    expect(code).toBe(0);
  });

  it("remove a board that was added, and no other", async () => {
    const text = await readFile(join(PROJECT, `manifests/boards/${BOARD}.yaml`), "utf8");
    const file = join(place.folder, "passing.yaml");
    await writeFile(file, text.replace(`name: ${BOARD}`, "name: passing"));
    expect(await place.run(["boards", "add", file])).toMatchObject({ code: 0, stderr: "" });
    await writeFile(file, text.replace(`name: ${BOARD}`, "name: passing").replace(/title: .*/, "title: Another"));
    expect((await place.run(["boards", "add", file])).stderr).toContain("It takes the place of the board passing");
    expect(await place.run(["boards", "remove", "passing"])).toMatchObject({
      code: 0,
      stdout: "Board passing is removed.\n",
    });
    const refused = await place.run(["boards", "remove", BOARD]);
    expect(refused.stderr).toContain("it comes with emufarm");
    expect(refused.code).toBe(2);
  });

  it("end with 5 where no farm is up, but tell of a board", async () => {
    using own = new CliPlace();
    const { stdout } = await own.run(["describe", BOARD]);
    expect(stdout).toMatch(/here +can run on qemu-system-arm/);
    expect(stdout).toMatch(/network +none/);
    expect((await own.run(["describe", "mps2-an358"])).stderr).toMatch(/no id of a run or job.*mps2-an385/);
    const { code, stderr } = await own.run(["get", "runs"]);
    expect(stderr).toContain(`Start one: emufarm up --data ${own.data}. [FarmNotRunning]`);
    expect(code).toBe(5);
  });
});
