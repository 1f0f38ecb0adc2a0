import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliPlace, image, PROJECT, type StartedCli } from "../cli-place.ts";

const BOARD = "mps2-an385";

let place: CliPlace;

beforeEach(() => {
  place = new CliPlace();
});

afterEach(() => place[Symbol.dispose]());

/** On a port that the system chooses: farms of other tests have others. */
async function up(...args: string[]): Promise<StartedCli> {
  const started = place.start(["up", "--port", "0", "--slots", "2", ...args]);
  await started.said("is up");
  return started;
}

function pidOf(name: string): number {
  const { children } = JSON.parse(readFileSync(join(place.data, "lock"), "utf8"));
  return children.find((child: { name: string }) => child.name === name).pid;
}

describe("emufarm up", () => {
  it("tells its URL, and where the token is that only its owner can read", async () => {
    const farm = await up();
    const token = readFileSync(join(place.data, "token"), "utf8");
    const { pid, url } = JSON.parse(readFileSync(join(place.data, "farm.json"), "utf8"));
    expect({ pid, url }).toEqual({ pid: farm.pid, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/) });
    for (const name of ["token", "farm.json"]) expect(statSync(join(place.data, name)).mode & 0o777).toBe(0o600);
    farm.signal("SIGINT");
    const { stdout } = await farm.result;
    expect(stdout).toContain(`is up: ${url}\n`);
    expect(stdout).toContain(`Its token lies in ${join(place.data, "token")}`);
    // What is no terminal may be a log that others read.
    expect(stdout).not.toContain(token);
  });

  it("is ended by emufarm down, which settles when it is gone, and is told that where none is up", async () => {
    const farm = await up();
    const { url } = JSON.parse(readFileSync(join(place.data, "farm.json"), "utf8"));
    const ended = await place.run(["down"]);
    expect(ended).toMatchObject({ code: 0, stdout: `The farm at ${url} has ended.\n` });
    expect((await farm.result).code).toBe(0);
    const again = await place.run(["down"]);
    expect(again).toMatchObject({ code: 0, stdout: `No farm is up with the folder ${place.data}.\n` });
  });

  it("tells what is wrong with every file of a folder of boards at once", async () => {
    const folder = join(place.folder, "boards");
    mkdirSync(folder);
    for (const name of ["a", "b"]) writeFileSync(join(folder, `${name}.yaml`), `kind: Board\nwrong-${name}: 1\n`);
    const { code, stderr } = await place.run(["up", "--port", "0", "--boards", folder]);
    expect(stderr).toMatch(/problems:\n.*a\.yaml:.*b\.yaml:/s);
    expect(code).toBe(2);
    const file = join(folder, "a.yaml");
    const ofFile = await place.run(["up", "--port", "0", "--boards", file]);
    expect(ofFile.stderr).toContain(`--boards ${file}: it is no folder`);
  });

  it("refuses a folder of boards that is not there", async () => {
    const { code, stderr } = await place.run(["up", "--port", "0", "--boards", "/no/such/folder"]);
    expect(stderr).toContain("--boards /no/such/folder: there is no such folder");
    expect(code).toBe(2);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("leaves no process, socket or temporary file after %s", async (signal) => {
    const farm = await up();
    const job = place.start(["run", BOARD, image(BOARD, "shell")]);
    await job.said("emufarm shell");
    farm.signal(signal);
    const { code, stderr } = await farm.result;
    expect(code).toBe(0);
    const again = signal === "SIGINT" ? "; Ctrl-C again ends at once, by force" : "";
    expect(stderr).toContain(`emufarm: stopping the farm and what runs on it${again}\n`);
    job.signal("SIGKILL");
    await job.result;
    expect(place.processes()).toEqual([]);
    expect(place.runtimeFiles()).toEqual([]);
    expect(readdirSync(place.data).sort()).toEqual(["agents", "blob.key", "boards", "logs", "redis", "store", "token"]);
  });

  it("leaves no process when it is killed, and starts again in the same folder", async () => {
    const farm = await up();
    const job = place.start(["run", BOARD, image(BOARD, "shell")]);
    await job.said("emufarm shell");
    farm.signal("SIGKILL");
    job.signal("SIGKILL");
    await Promise.all([farm.result, job.result]);
    await expect.poll(() => place.processes(), { timeout: 30_000 }).toEqual([]);
    const again = await up();
    expect((await place.run(["run", BOARD, image(BOARD, "hello")])).code).toBe(0);
    again.signal("SIGTERM");
    await again.result;
    expect(place.runtimeFiles()).toEqual([]);
  });

  it("waits for nothing at a second Ctrl-C, and leaves no process", async () => {
    const farm = await up();
    // Who does not listen is given time: the first Ctrl-C would wait for it.
    process.kill(pidOf("agent0"), "SIGSTOP");
    farm.signal("SIGINT");
    await farm.said("Ctrl-C again");
    // One key press may come twice at once: one that comes later is another one.
    const interruptAgain = () => {
      farm.signal("SIGINT");
      return farm.child.exitCode;
    };
    await expect.poll(interruptAgain, { timeout: 30_000 }).toBe(130);
    process.kill(pidOf("agent0"), "SIGCONT");
    await expect.poll(() => place.processes(), { timeout: 30_000 }).toEqual([]);
  });

  it("ends what a killed predecessor could not end", async () => {
    const farm = await up();
    const redis = pidOf("redis");
    // A stopped process sees neither the signal of its parent's death nor a closed pipe.
    process.kill(redis, "SIGSTOP");
    farm.signal("SIGKILL");
    await farm.result;
    const again = await up();
    expect(pidOf("redis")).not.toBe(redis);
    expect(place.processes().map(({ pid }) => pid)).not.toContain(redis);
    again.signal("SIGTERM");
    await again.result;
  });

  it("refuses a folder that another one has, by its pid, and leaves that one alone", async () => {
    const farm = await up();
    const { code, stderr } = await place.run(["up", "--port", "0"]);
    expect(stderr).toContain(`(pid ${farm.pid})`);
    expect(stderr).toContain("[FolderInUse]");
    expect(stderr).toMatch(/the farm that is up answers at http:\/\/127\.0\.0\.1:\d+\n/);
    expect(code).toBe(2);
    const withExamples = await place.run(["up", "--port", "0", "--examples"]);
    expect(withExamples.stderr).toMatch(/; to run the examples there: emufarm test \S+\/examples --data \S+\n/);
    expect((await place.run(["get", "runs"])).code).toBe(0);
    farm.signal("SIGTERM");
    await farm.result;
  });

  it("refuses a port that is taken, names the option, and leaves nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await place.run(["up", "--port", String(port)]);
    server.close();
    expect(stderr).toContain(`Port ${port} of 127.0.0.1 is taken by another program. Choose another one: --port.`);
    expect(code).toBe(5);
    expect(existsSync(join(place.data, "lock"))).toBe(false);
    expect(place.runtimeFiles()).toEqual([]);
  });

  it("says what to install where there is no Redis", async () => {
    const { code, stderr } = await place.run(["up", "--port", "0"], { env: { PATH: "/nowhere" } });
    expect(stderr).toContain("apt install redis-server. [RedisMissing]");
    expect(code).toBe(5);
  });

  it.each(["redis", "api", "dispatcher", "agent0"])("starts %s again when it dies, and goes on", async (name) => {
    const farm = await up();
    const farmFile = readFileSync(join(place.data, "farm.json"), "utf8");
    process.kill(pidOf(name), "SIGKILL");
    await farm.said(`${name} ended (signal SIGKILL); starting it again`);
    await expect
      .poll(() => place.run(["run", BOARD, image(BOARD, "hello")]).then(({ code }) => code), { timeout: 60_000 })
      .toBe(0);
    expect(readFileSync(join(place.data, "farm.json"), "utf8")).toBe(farmFile);
    farm.signal("SIGTERM");
    expect((await farm.result).code).toBe(0);
    expect(place.processes()).toEqual([]);
  });

  it("ends what follows a run or a log with its stop, also for whoever knows it by its URL only", async () => {
    const farm = await up();
    const { url } = JSON.parse(readFileSync(join(place.data, "farm.json"), "utf8"));
    const far = ["--farm", url, "--token-file", join(place.data, "token")];
    const elsewhere = { env: { EMUFARM_DATA: join(place.folder, "elsewhere") } };
    const run = place.start(["run", BOARD, image(BOARD, "shell"), ...far], elsewhere);
    await run.said("> ");
    const [{ id }] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
    const logs = place.start(["logs", `${id}-000000`, "-f", ...far], elsewhere);
    await logs.said("> ");
    farm.signal("SIGTERM");
    for (const { stderr, code } of [await run.result, await logs.result]) {
      expect(stderr).toContain("[FarmStopped]");
      expect(stderr).not.toContain("does not answer");
      expect(code).toBe(5);
    }
    await farm.result;
  });

  it("has several agents where asked, and ends in the middle of its start", async () => {
    const farm = await up("--agents", "2");
    expect(pidOf("agent1")).toBeGreaterThan(0);
    farm.signal("SIGTERM");
    await farm.result;
    const early = place.start(["up", "--port", "0"]);
    await expect.poll(() => existsSync(join(place.data, "lock"))).toBe(true);
    early.signal("SIGINT");
    expect((await early.result).code).toBe(130);
    expect(place.processes()).toEqual([]);
    expect(place.runtimeFiles()).toEqual([]);
  });

  it("runs tests off a terminal as npm start does: tells where all is, ends with the run's code, and starts again", async () => {
    const scripts = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")).scripts;
    expect(scripts.start).toMatch(/bin\/emufarm up --examples$/);
    const tests = join(place.folder, "tests");
    mkdirSync(tests);
    const write = (firmware: string) => {
      const spec = { jobs: [{ board: BOARD, firmware: image(BOARD, firmware) }] };
      const file = { apiVersion: "emufarm.dev/v1alpha1", kind: "Run", metadata: { name: "a" }, spec };
      writeFileSync(join(tests, "a.run.yaml"), JSON.stringify(file));
    };
    const start = () => place.run(["up", "--port", "0", "--slots", "2", "--examples", tests]);
    write("hello");
    for (const _time of ["first", "second"]) {
      const { code, stdout } = await start();
      expect(stdout).toMatch(/^emufarm is up: http:\/\/127\.0\.0\.1:\d+$/m);
      expect(stdout).toContain("1 job: 1 passed");
      const junit = /^JUnit report: (.+)$/m.exec(stdout)?.[1] ?? "";
      expect(readFileSync(junit, "utf8")).toContain("<testsuites");
      expect(code).toBe(0);
    }
    write("unity-fail");
    const { code, stdout } = await start();
    expect(stdout).toContain("1 job: 1 failed");
    expect(stdout).toContain(`bring it up again: emufarm up --data ${place.data}\n`);
    expect(code).toBe(1);
    expect(place.processes()).toEqual([]);
    expect(place.runtimeFiles()).toEqual([]);
  });
});
