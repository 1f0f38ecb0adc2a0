import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readUntil } from "../../agent/attempt/agent-lab.ts";
import { CliPlace, image, type StartedCli } from "../cli-place.ts";

const BOARD = "mps2-an385";

let place: CliPlace;
let farm: StartedCli;
let running: StartedCli;
let job: string;

beforeAll(async () => {
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "2"]);
  await farm.said("is up");
  running = place.start(["run", BOARD, image(BOARD, "shell"), "--timeout", "10m", "-i"]);
  await running.said("emufarm shell");
  const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
  job = `${run.id}-000000`;
});

afterAll(async () => {
  await place.run(["cancel", job]);
  await running.result;
  farm.signal("SIGTERM");
  await farm.result;
  place[Symbol.dispose]();
});

test("emufarm qmp sends one command, and prints what it returns or why not", async () => {
  const status = await place.run(["qmp", job, "query-status"]);
  expect(JSON.parse(status.stdout)).toMatchObject({ status: "running" });
  expect(status.code).toBe(0);
  const type = await place.run(["qmp", job, "qom-get", "path=/machine", "property=type"]);
  expect(JSON.parse(type.stdout)).toContain("mps2-an385");
  const json = await place.run(["qmp", job, "qom-get", '{"path": "/machine", "property": "type"}']);
  expect(json.stdout).toBe(type.stdout);
  expect(await place.run(["qmp", job, "quit"])).toEqual({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("CommandNotFound: The command quit is not on the list"),
  });
});

test("emufarm qmp takes commands from its input, a line each, and prints answers and events as JSON", async () => {
  const { stdout, code } = await place.run(["qmp", job], { input: 'stop\n{"execute": "cont", "id": 7}\nnonsense\n' });
  const messages = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(messages).toContainEqual(expect.objectContaining({ event: "STOP" }));
  expect(messages).toContainEqual({ return: {}, id: 7 });
  expect(messages).toContainEqual({ error: expect.objectContaining({ class: "CommandNotFound" }) });
  expect(code).toBe(1);
});

test("emufarm prop lists, gets and sets by path", async () => {
  const list = await place.run(["prop", job, "list"]);
  expect(list.stdout).toMatch(/^unattached\/ +child<container>/m);
  expect((await place.run(["prop", job, "get", "/machine", "type"])).stdout).toBe("mps2-an385-machine\n");
  expect((await place.run(["prop", job, "set", "/machine", "mem-merge", "false"])).code).toBe(0);
  expect((await place.run(["prop", job, "get", "/machine", "mem-merge"])).stdout).toBe("false\n");
  const refused = await place.run(["prop", job, "set", "/machine", "kernel", "1"]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("[PropertyRefused]") });
});

test("the shell completes targets, paths and names of properties", async () => {
  const complete = async (...words: string[]) =>
    (await place.run(["completion", "words", "--", "prop", ...words])).stdout.split("\n");
  expect(await complete("")).toContain(job);
  expect(await complete(job, "")).toEqual(["list", "get", "set", ""]);
  expect(await complete(job, "get", "/mach")).toContain("/machine");
  expect(await complete(job, "get", "/machine/un")).toContain("/machine/unattached");
  expect(await complete(job, "get", "/machine", "ty")).toEqual(["type", ""]);
  expect(await complete(job, "set", "/machine", "")).not.toContain("kernel");
});

test("emufarm monitor asks a line, or a line each of its input", async () => {
  expect((await place.run(["monitor", job, "info", "status"])).stdout).toBe("VM status: running\n");
  const { stdout, stderr, code } = await place.run(["monitor", job], { input: "info status\nquit\ninfo roms\n" });
  expect(stdout).toContain("VM status: running");
  expect(stderr).toContain("read-only");
  expect(code).toBe(2);
});

test("emufarm qmp --listen is a socket for programs that know nothing of the farm", async () => {
  const path = join(place.folder, "qmp.sock");
  const offer = place.start(["qmp", job, "--listen", `unix:${path}`]);
  await offer.said("Ctrl-C ends");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const talk = `
import asyncio, sys
from qemu.qmp import QMPClient, ExecuteError
async def main(path):
    a, b = QMPClient("a"), QMPClient("b")
    await a.connect(path)
    await b.connect(path)
    with b.listener("STOP") as stops:
        assert (await a.execute("query-status"))["status"] == "running"
        await a.execute("stop")
        print((await stops.get())["event"])
    await b.execute("cont")
    try:
        await a.execute("quit")
    except ExecuteError as error:
        print(error.error_class)
    print((await a.execute("human-monitor-command", {"command-line": "info status"})).strip())
    await a.disconnect()
    await b.disconnect()
asyncio.run(main(sys.argv[1]))
`;
  const python = process.env.EMUFARM_TEST_PYTHON;
  if (python !== undefined) {
    const { stdout, stderr, code } = await place.run(["-c", talk, path], { program: [python] });
    expect(stderr).toBe("");
    expect(stdout).toBe("STOP\nCommandNotFound\nVM status: running\n");
    expect(code).toBe(0);
  }
  // As `echo ... | socat - UNIX-CONNECT:qmp.sock` does: it says all it has to, and reads on.
  const client = connect({ path, allowHalfOpen: true });
  client.end('{"execute": "qmp_capabilities"} {"execute": "query-status", "id": "asked and left"}');
  await readUntil(client, '"id":"asked and left"');
  client.destroy();
  offer.signal("SIGINT");
  await offer.result;
  await expect(stat(path)).rejects.toThrow();
});

test.each([
  ["tcp:0.0.0.0:4444", "127.0.0.1"],
  ["qmp.sock", "unix:PATH or tcp:PORT"],
  ["unix:/no/such/folder/qmp.sock", "[ListenFailed]"],
])("--listen %s is refused with a sentence", async (address, words) => {
  const { code, stderr } = await place.run(["qmp", job, "--listen", address]);
  expect(stderr).toContain(words);
  expect(code).toBe(2);
});
