import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBlobUrls } from "../../../src/api/firmware/blob-urls.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import type { JobSpecInput } from "../../../src/core/schema/job.ts";
import { anElf } from "../../gen/elf.ts";
import { aResult, aVerdict } from "../../gen/run.ts";
import { type AgentStandIn, AVAILABLE, startAgentStandIn } from "./agent-stand-in.ts";
import { type ApiFixture, startApiFixture, TOKEN } from "./api-fixture.ts";

let api: ApiFixture;
let agent: AgentStandIn;
let sha256: string;

beforeAll(async () => {
  agent = await startAgentStandIn();
  api = await startApiFixture([agent.address]);
  const image = await readFile("examples/images/mps2-an385/hello.elf");
  ({ sha256 } = await api.farm.uploadBytes(image));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
});

const job = (options: Partial<JobSpecInput> = {}): JobSpecInput => ({
  board: "mps2-an385",
  firmware: { sha256 },
  ...options,
});

const withStep = (
  step: NonNullable<NonNullable<JobSpecInput["scenario"]>["steps"]>[number],
): Partial<JobSpecInput> => ({
  scenario: { version: 1, steps: [step] },
});

/** What a dispatcher does at a job's end. */
async function finish(jobId: string, options: Parameters<typeof aVerdict>[1] = {}): Promise<void> {
  await api.store.createVerdict(aVerdict(jobId, options));
  await api.queue.signals.publish({ type: "jobFinished", jobId });
}

describe("firmware", () => {
  test("is uploaded once, and only when it is missing", async () => {
    const bytes = anElf({ segments: [{ address: 0, fileBytes: 77 }] });
    const digest = createHash("sha256").update(bytes).digest("hex");
    expect(await api.farm.hasFirmware(digest)).toBe(false);
    expect(await api.farm.uploadBytes(bytes)).toEqual({ sha256: digest, sizeBytes: bytes.length, isNew: true });
    const again = await api.farm.upload(digest, () => {
      throw new Error("it must not be opened");
    });
    expect(again).toEqual({ sha256: digest, sizeBytes: bytes.length, isNew: false });
  });

  test("is imported from the store and from the request, and checked against a board", async () => {
    const { spec } = await api.farm.board("mps2-an385");
    const stored = await api.farm.importFirmware({ artifact: sha256, board: { name: "mps2-an385", spec } });
    expect(stored).toMatchObject({ sha256, format: "elf" });
    expect(stored.url).toContain(`/v1/blobs/${sha256}?expires=`);
    const inline = Buffer.from("a raw image").toString("base64");
    const { sha256: digest, sizeBytes } = await api.farm.importFirmware({ inline });
    expect(sizeBytes).toBe(11);
    // What the store has is not fetched: nobody answers there.
    expect(await api.farm.importFirmware({ url: "http://127.0.0.1:1/", sha256: digest })).toMatchObject({
      sizeBytes: 11,
    });
    await expect(api.farm.importFirmware({ inline, sha256 })).resolves.toMatchObject({ sha256 });
    await expect(api.farm.importFirmware({ url: "http://127.0.0.1:1/" })).rejects.toMatchObject({
      code: "FirmwareSourceRefused",
    });
    await expect(api.farm.importFirmware({ artifact: "0".repeat(64) })).rejects.toMatchObject({
      code: "FirmwareUnknown",
    });
    await expect(api.farm.importFirmware({ inline, sha256: "0".repeat(64) })).rejects.toMatchObject({
      code: "DigestMismatch",
    });
    await expect(
      api.farm.importFirmware({ inline, format: "elf", board: { name: "mps2-an385", spec } }),
    ).rejects.toMatchObject({ code: "FirmwareFormat" });
    await expect(api.farm.importFirmware({ inline, artifact: sha256 })).rejects.toMatchObject({
      code: "InvalidRequest",
    });
  });

  test("with another digest than was said is refused", async () => {
    const answer = await api.fetch(`/v1/firmware/${"0".repeat(64)}`, { method: "PUT", body: "bytes" });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([422, "DigestMismatch"]);
  });

  test("is given to whoever has a signed URL that has not expired, and to nobody else", async () => {
    const blobs = createBlobUrls({ key: await readFile(`${api.data}/blob.key`), publicUrl: () => api.url });
    const good = await fetch(blobs.sign(sha256, Date.now() + 60_000));
    expect(
      createHash("sha256")
        .update(Buffer.from(await good.arrayBuffer()))
        .digest("hex"),
    ).toBe(sha256);
    const urls = [
      blobs.sign(sha256, Date.now() - 1),
      blobs.sign(sha256, Date.now() + 60_000).replace(/.$/, (digit) => (digit === "0" ? "1" : "0")),
      blobs.sign("b".repeat(64), Date.now() + 60_000).replace("b".repeat(64), sha256),
    ];
    for (const url of urls) expect((await fetch(url)).status).toBe(403);
  });
});

describe("a submission", () => {
  test("is accepted once for a key, and waits", async () => {
    const run = await api.farm.submitRun({ name: "nightly", jobs: [job(), job()] }, "key-1");
    expect(run).toMatchObject({ name: "nightly", outcome: "running", totals: { total: 2, waiting: 2 } });
    expect((await api.farm.submitRun({ jobs: [job()] }, "key-1")).id).toBe(run.id);
    expect(await api.farm.job(jobIdOf(run.id, 1))).toMatchObject({ state: "waiting", waiting: { position: 1 } });
    await api.farm.cancelRun(run.id, "done");
  });

  test.each<[string, () => Partial<JobSpecInput>, string, string]>([
    ["an unknown board", () => ({ board: "mps2-an358" }), "UnknownBoard", "Did you mean mps2-an385?"],
    [
      "firmware that nobody uploaded",
      () => ({ firmware: { sha256: "0".repeat(64) } }),
      "FirmwareUnknown",
      "Upload it first",
    ],
    ["an ELF of another architecture", () => ({ board: "riscv64-virt" }), "FirmwareArchitecture", "arm 32-bit"],
    [
      "a step that no board can do yet",
      () => withStep({ "set-pin": { name: "a", value: 1 } }),
      "NotSupportedByBoard",
      "step 1 (set-pin)",
    ],
    [
      "a UART that the board lacks",
      () => withStep({ "wait-serial": { text: "x", uart: "uart9" } }),
      "NotSupportedByBoard",
      "UART uart9",
    ],
    ["a back-reference", () => withStep({ "wait-serial": { regex: "(a)\\1" } }), "InvalidPattern", "is refused"],
    ["a network that the board lacks", () => ({ network: "isolated" }), "NotSupportedByBoard", "no network device"],
  ])("with %s is refused", async (_name, options, code, words) => {
    await expect(api.farm.submitJob(job(options()))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
  });

  test.each<[string, () => Buffer, string]>([
    ["empty", () => Buffer.alloc(0), "FirmwareEmpty"],
    ["truncated", () => anElf().subarray(0, 60), "FirmwareTruncated"],
    ["a web page", () => Buffer.from("<!doctype html><html></html>"), "FirmwareFormat"],
    ["too large", () => anElf({ segments: [{ address: 0, fileBytes: 5 * 1024 * 1024 }] }), "FirmwareTooLarge"],
  ])("with firmware that is %s is refused, and no run is left of it", async (_name, bytes, code) => {
    const before = await api.farm.runs();
    const record = await api.farm.uploadBytes(bytes());
    const jobs = [job(), job({ firmware: { sha256: record.sha256, name: "app.elf" } })];
    await expect(api.farm.submitRun({ jobs })).rejects.toMatchObject({
      code: "RunRefused",
      message: expect.stringMatching(new RegExp(`1 of 2 jobs.*jobs\\[1\\] "app.elf on mps2-an385".*\\[${code}\\]`)),
      details: { job: 1, "code.1": code },
    });
    await expect(api.farm.submitJob(jobs[1] ?? job())).rejects.toMatchObject({
      code,
      details: { name: "app.elf", job: 0 },
    });
    expect(await api.farm.runs()).toEqual(before);
  });

  test("that is not valid is told with the field", async () => {
    const answer = await api.fetch("/v1/runs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jobs: [{ ...job(), timeout: "soon" }] }),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: "InvalidRequest",
      message: expect.stringContaining("jobs.0.timeout"),
    });
  });

  test("that is too large is refused", async () => {
    const body = JSON.stringify(job({ labels: { long: "x".repeat(2_000_000) } }));
    const answer = await api.fetch("/v1/jobs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([413, "BodyTooLarge"]);
  });

  test("for a board that cannot run here gets its verdict at once, counted as skipped", async () => {
    const error = {
      code: "EmulatorTooOld",
      class: "infrastructure",
      message: "too old",
      details: { binary: "qemu-system-arm" },
    } as const;
    agent.check = (name) => (name === "mps3-an547" ? { isAvailable: false, error } : AVAILABLE);
    const image = await readFile("examples/images/mps3-an547/hello.elf");
    const other = await api.farm.uploadBytes(image);
    const run = await api.farm.submitRun({ jobs: [job({ board: "mps3-an547", firmware: { sha256: other.sha256 } })] });
    expect(run).toMatchObject({ outcome: "failed", totals: { skipped: 1, unexpected: 0, verdicts: { errored: 1 } } });
    expect(await api.farm.job(jobIdOf(run.id, 0))).toMatchObject({ verdict: { isSkipped: true, attempt: 0, error } });
    expect(await api.farm.board("mps3-an547")).toMatchObject({ isAvailable: false, error });
    const withoutImage = job({ board: "mps3-an547", firmware: { sha256: "0".repeat(64) } });
    expect(await api.farm.submitRun({ jobs: [withoutImage] })).toMatchObject({ totals: { skipped: 1 } });
  });
});

describe("a run", () => {
  test("of 10,000 jobs is accepted, cancelled and reported", async () => {
    const run = await api.farm.submitRun({ jobs: Array.from({ length: 10_000 }, () => job()) });
    expect(run.totals.waiting).toBe(10_000);
    expect(await api.farm.cancelRun(run.id, "enough")).toMatchObject({ isCancelled: true });
    expect(await api.queue.waitingRoom.size("default")).toBe(0);
    const finished = new Set<string>();
    for await (const event of api.farm.events(run.id)) {
      if (event.type === "jobFinished") finished.add(event.jobId);
      if (event.type === "end")
        expect(event.run).toMatchObject({ outcome: "failed", totals: { verdicts: { cancelled: 10_000 } } });
    }
    expect(finished.size).toBe(10_000);
    const listed: string[] = [];
    for await (const { id } of api.farm.jobs(run.id, { verdict: "cancelled" })) listed.push(id);
    expect(listed).toEqual([...finished].sort());
  });

  test("tells its events in order, and each verdict once, over a restart of the API", async () => {
    const run = await api.farm.submitRun({ jobs: [job(), job(), job()] });
    const ids = [0, 1, 2].map((index) => jobIdOf(run.id, index));
    await finish(ids[1] ?? "");
    const told: string[] = [];
    for await (const event of api.farm.events(run.id)) {
      told.push(
        event.type === "jobFinished" || event.type === "jobRunning" ? `${event.type} ${event.jobId}` : event.type,
      );
      if (told.length === 2) {
        await api.queue.signals.publish({ type: "jobRunning", jobId: ids[2] ?? "", attempt: 1, agent: agent.address });
      }
      if (event.type === "jobRunning") {
        expect((await api.farm.run(run.id)).totals).toMatchObject({ waiting: 1, running: 1 });
        await api.restart();
        await finish(ids[0] ?? "");
        await finish(ids[2] ?? "", { verdict: "failed", isExpected: false });
      }
    }
    expect(told.slice(0, 3)).toEqual(["run", `jobFinished ${ids[1]}`, `jobRunning ${ids[2]}`]);
    expect(told.slice(3).sort()).toEqual(["end", `jobFinished ${ids[0]}`, `jobFinished ${ids[2]}`]);
    expect(await api.farm.run(run.id)).toMatchObject({ outcome: "failed", totals: { unexpected: 1 } });
  });

  test("is told to the end although every signal was lost", async () => {
    const run = await api.farm.submitRun({ jobs: [job()] });
    const types: string[] = [];
    for await (const event of api.farm.events(run.id)) {
      types.push(event.type);
      if (event.type === "run") await api.store.createVerdict(aVerdict(jobIdOf(run.id, 0)));
    }
    expect(types).toEqual(["run", "jobFinished", "end"]);
  });

  test("goes on from the last event id", async () => {
    const run = await api.farm.submitRun({ jobs: [job(), job()] });
    await finish(jobIdOf(run.id, 0));
    await finish(jobIdOf(run.id, 1));
    const all = await (await api.fetch(`/v1/runs/${run.id}/events`)).text();
    const id = /id: (\S+)/.exec(all)?.[1] ?? "";
    const rest = await (await api.fetch(`/v1/runs/${run.id}/events`, { headers: { "last-event-id": id } })).text();
    const count = (text: string) => text.match(/event: jobFinished/g)?.length;
    expect([count(all), count(rest)]).toEqual([2, 1]);
  });

  test("that is unknown is told as such, by every route", async () => {
    const id = "r0000000000000000";
    const paths = ["", "/jobs", "/events", "/junit", "/report"].map((path) => `/v1/runs/${id}${path}`);
    for (const path of [...paths, `/v1/jobs/${id}-000000`, `/v1/jobs/${id}-000000/logs/uart0`]) {
      expect((await api.fetch(path)).status, path).toBe(404);
    }
  });
});

describe("a log", () => {
  const text = (bytes: Buffer[]) => Buffer.concat(bytes).toString();

  /** The log of a job that is followed, of which these words have come from its agent; `retried` is told among them. */
  async function followed(words: string, retried?: (attempt: number) => Buffer) {
    const run = await api.farm.submitRun({ jobs: [job()] });
    const jobId = jobIdOf(run.id, 0);
    const received: Buffer[] = [];
    const options = retried && { onRetry: (attempt: number) => void received.push(retried(attempt)) };
    const following = (async () => {
      for await (const chunk of api.farm.followLog(jobId, "uart0", options)) received.push(chunk);
    })();
    await api.queue.signals.publish({ type: "jobRunning", jobId, attempt: 1, agent: agent.address });
    const { answer } = await agent.nextFollower();
    answer.write(words);
    await expect.poll(() => text(received)).toBe(words);
    return { jobId, received, following, answer };
  }

  test("that is followed goes over from the agent to the store with no byte twice or missing", async () => {
    const { jobId, received, following, answer } = await followed("from the agent, ");
    const whole = Buffer.from("from the agent, then from the store");
    const log = { uart: "uart0", bytes: whole.length, keptBytes: whole.length, base64: whole.toString("base64") };
    await api.store.createVerdict(aVerdict(jobId, { result: aResult({ logs: [log] }) }));
    answer.destroy();
    await following;
    expect(text(received)).toBe(whole.toString());
    expect((await buffer(api.farm.log(jobId, "uart0", { offset: 21 }))).toString()).toBe("from the store");
  });

  test.each(["another attempt", "a verdict"])(
    "of an agent that has vanished without a word goes on with %s",
    async (what) => {
      const { jobId, received, following, answer } = await followed("one");
      // From here on the first connection says nothing, and does not end.
      if (what === "another attempt") {
        await api.queue.signals.publish({ type: "jobRunning", jobId, attempt: 2, agent: agent.address });
        (await agent.nextFollower()).answer.end("two");
      } else {
        const log = { uart: "uart0", bytes: 6, keptBytes: 6, base64: Buffer.from("onetwo").toString("base64") };
        await api.store.createVerdict(aVerdict(jobId, { result: aResult({ logs: [log] }) }));
        await api.queue.signals.publish({ type: "jobFinished", jobId });
      }
      await expect.poll(() => text(received)).toBe("onetwo");
      if (what === "another attempt") await finish(jobId, { attempt: 2 });
      await following;
      answer.destroy();
    },
  );

  test("of an attempt that was lost ends, and that of the next one follows", async () => {
    const { jobId, received, following, answer } = await followed("one", (attempt) => Buffer.from(`[${attempt}]`));
    answer.destroy();
    await api.queue.signals.publish({ type: "jobRunning", jobId, attempt: 2, agent: agent.address });
    let second = await agent.nextFollower();
    // The broken stream may be taken up once more before the news of the next attempt.
    if (second.offset > 0) {
      second.answer.destroy();
      second = await agent.nextFollower();
    }
    second.answer.write("two");
    await expect.poll(() => text(received)).toBe("one[2]two");
    await finish(jobId, { attempt: 2 });
    second.answer.end();
    await following;
    expect(text(received)).toBe("one[2]two");
  });

  test("of a UART that the board does not have is not found", async () => {
    const run = await api.farm.submitRun({ jobs: [job()] });
    await expect(buffer(api.farm.log(jobIdOf(run.id, 0), "uart9"))).rejects.toMatchObject({ code: "NotFound" });
  });
});

test("a console is passed through, both ways, and waits for a job that waits", async () => {
  const run = await api.farm.submitRun({ jobs: [job()] });
  const jobId = jobIdOf(run.id, 0);
  agent.onConsole = (socket) => {
    socket.send(JSON.stringify({ type: "boot", boot: 1 }));
    socket.on("message", (data: Buffer) => socket.send(Buffer.concat([Buffer.from("echo "), data])));
  };
  const messages: string[] = [];
  const socket = await api.farm.openConsole(jobId, "uart0", (data, isText) => {
    messages.push(`${isText ? "text" : "binary"} ${data.toString()}`);
  });
  socket.send(Buffer.from("typed early"));
  await api.queue.signals.publish({ type: "jobRunning", jobId, attempt: 1, agent: agent.address });
  await expect.poll(() => messages).toEqual(['text {"type":"boot","boot":1}', "binary echo typed early"]);
  socket.close();
  await finish(jobId);
  await expect(api.farm.openConsole(jobId, "uart0", () => {})).rejects.toMatchObject({ code: "Conflict" });
  await expect(api.farm.openConsole("no-id", "uart0", () => {})).rejects.toMatchObject({ code: "InvalidRequest" });
});

describe("boards", () => {
  test("are listed with what they run on, asked of an agent process once", async () => {
    await api.farm.boards();
    const { checks } = agent;
    const boards = await api.farm.boards();
    expect(agent.checks).toBe(checks);
    expect(boards.find(({ name }) => name === "mps2-an385")).toMatchObject({
      isAvailable: true,
      emulator: { binary: "qemu-system-arm", version: "7.2.0", accelerator: "tcg" },
    });
  });

  test("are added by PUT, and stay over a restart", async () => {
    const { spec } = await api.farm.board("mps2-an385");
    const board = {
      apiVersion: "emufarm.dev/v1alpha1",
      kind: "ClusterBoard",
      metadata: { name: "my-board" },
      spec: { ...spec, title: "Mine" },
    } as const;
    expect(await api.farm.putBoard(board)).toMatchObject({ name: "my-board", spec: { title: "Mine" } });
    await api.restart();
    expect((await api.farm.board("my-board")).spec).toEqual(board.spec);
    await expect(api.farm.board("my-bord")).rejects.toMatchObject({ message: expect.stringContaining("my-board") });
  });

  test("are removed by DELETE where they were added, for good; others stay, with the reason", async () => {
    const { spec } = await api.farm.board("mps2-an385");
    const kinds = { apiVersion: "emufarm.dev/v1alpha1", kind: "ClusterBoard" } as const;
    for (const name of ["short-lived", "mps2-an385"]) {
      await api.farm.putBoard({ ...kinds, metadata: { name }, spec: { ...spec, title: "Mine" } });
      await api.farm.removeBoard(name);
    }
    await api.restart();
    await expect(api.farm.board("short-lived")).rejects.toMatchObject({ code: "UnknownBoard" });
    expect((await api.farm.board("mps2-an385")).spec).toEqual(spec);
    await expect(api.farm.removeBoard("mps2-an385")).rejects.toMatchObject({
      code: "Conflict",
      message: expect.stringContaining("it comes with emufarm"),
    });
    await expect(api.farm.removeBoard("mps2-an3855")).rejects.toMatchObject({ code: "UnknownBoard" });
  });
});

describe("trust", () => {
  test("nothing is answered without the token, but pages without data", async () => {
    for (const path of ["/v1/runs", "/v1/boards", `/v1/firmware/${sha256}`]) {
      expect((await fetch(api.url + path)).status, path).toBe(401);
    }
    for (const path of [
      "/",
      "/reference/",
      "/openapi.json",
      "/schemas/scenario.json",
      "/healthz",
      "/readyz",
      "/metrics",
    ]) {
      const answer = await fetch(api.url + path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.text()).not.toContain(TOKEN);
    }
  });

  test("a foreign page, or a name that leads here, is refused", async () => {
    const foreign = await api.fetch("/v1/runs", { headers: { origin: "http://evil.example" } });
    expect([foreign.status, ((await foreign.json()) as { code: string }).code]).toEqual([403, "Forbidden"]);
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const headers = { host: "evil.example", authorization: `Bearer ${TOKEN}` };
    request(`${api.url}/v1/runs`, { headers }, (answer) => resolve(answer.resume().statusCode)).end();
    expect(await promise).toBe(403);
  });

  test("the status page and the reference load nothing from elsewhere", async () => {
    for (const path of ["/", "/reference/"]) {
      const html = await (await fetch(api.url + path)).text();
      expect(html.match(/(?:src|href)="https?:[^"]*"/g) ?? [], path).toEqual([]);
    }
  });
});

test("the OpenAPI describes every route of the API", async () => {
  const { paths } = (await (await fetch(`${api.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  expect(Object.keys(paths).sort()).toEqual([
    "/v1/boards",
    "/v1/boards/{name}",
    "/v1/firmware",
    "/v1/firmware/{sha256}",
    "/v1/imports",
    "/v1/instances",
    "/v1/instances/{name}",
    "/v1/instances/{name}/control",
    "/v1/instances/{name}/events",
    "/v1/instances/{name}/firmware",
    "/v1/instances/{name}/gdb",
    "/v1/instances/{name}/gpio",
    "/v1/instances/{name}/monitor",
    "/v1/instances/{name}/properties",
    "/v1/instances/{name}/qmp",
    "/v1/instances/{name}/screen",
    "/v1/instances/{name}/storage/{storage}",
    "/v1/instances/{name}/uarts/{uart}",
    "/v1/instances/{name}/uarts/{uart}/log",
    "/v1/instances/{name}/vnc",
    "/v1/jobs",
    "/v1/jobs/{id}",
    "/v1/jobs/{id}/artifacts/{name}",
    "/v1/jobs/{id}/cancel",
    "/v1/jobs/{id}/control",
    "/v1/jobs/{id}/events",
    "/v1/jobs/{id}/firmware",
    "/v1/jobs/{id}/gdb",
    "/v1/jobs/{id}/gpio",
    "/v1/jobs/{id}/logs/{uart}",
    "/v1/jobs/{id}/monitor",
    "/v1/jobs/{id}/properties",
    "/v1/jobs/{id}/qmp",
    "/v1/jobs/{id}/screen",
    "/v1/jobs/{id}/storage/{storage}",
    "/v1/jobs/{id}/uarts/{uart}",
    "/v1/jobs/{id}/uarts/{uart}/log",
    "/v1/jobs/{id}/vnc",
    "/v1/queue/events",
    "/v1/runs",
    "/v1/runs/{id}",
    "/v1/runs/{id}/cancel",
    "/v1/runs/{id}/events",
    "/v1/runs/{id}/jobs",
    "/v1/runs/{id}/junit",
    "/v1/runs/{id}/report",
  ]);
});
