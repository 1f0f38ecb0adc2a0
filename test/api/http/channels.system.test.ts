import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { json } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { aVerdict } from "../../gen/run.ts";
import { type AgentStandIn, startAgentStandIn } from "./agent-stand-in.ts";
import { type ApiFixture, startApiFixture } from "./api-fixture.ts";

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
afterEach(() => {
  agent.refusal = undefined;
});

async function submitJob(): Promise<string> {
  const run = await api.farm.submitRun({ jobs: [{ board: "mps2-an385", firmware: { sha256 } }] });
  return jobIdOf(run.id, 0);
}

async function startJob(jobId: string): Promise<void> {
  await api.queue.signals.publish({ type: "jobRunning", jobId, attempt: 1, agent: agent.address });
}

/** A job that the API knows to run. */
async function runningJob(): Promise<string> {
  const jobId = await submitJob();
  await startJob(jobId);
  await expect.poll(async () => (await api.farm.job(jobId)).state).toBe("running");
  return jobId;
}

/** The agent's end of the next channel that is opened. */
function nextChannel(): Promise<{ socket: WebSocket; path: string }> {
  return new Promise((resolve) => {
    agent.onConsole = (socket, path) => resolve({ socket, path });
  });
}

/** A channel of a job whose attempt its agent has no more. */
async function openAfterTheEnd() {
  const jobId = await runningJob();
  const error = new FarmError("NotFound", { kind: "running attempt", name: `${jobId}.1` });
  agent.refusal = { status: 404, body: error.toBody() };
  return { jobId, mine: await api.farm.channels(jobId).openWebSocket("uarts/uart0", () => {}) };
}

describe("a request to a channel of a job", () => {
  test("comes to the agent as it was sent, and its answer to the caller as it was given", async () => {
    const jobId = await runningJob();
    const seen: unknown[][] = [];
    agent.onRequest = async (request, answer) => {
      const body = request.method === "POST" ? await json(request) : undefined;
      seen.push([request.method, request.url, request.headers["content-type"], body]);
      answer.writeHead(201, { "content-type": "image/png" }).end("picture");
    };
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"pin":"PA1","level":1}' };
    const answer = await api.fetch(`/v1/jobs/${jobId}/gpio?x=%20y`, init);
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      201,
      "image/png",
      "picture",
    ]);
    await api.farm
      .channels(jobId)
      .request({ method: "GET", path: "gpio" })
      .catch(() => {});
    const path = `/v1/attempts/${jobId}.1/gpio`;
    // The API follows the agent beside it.
    expect(seen.filter(([, url]) => !String(url).startsWith("/v1/events"))).toEqual([
      ["POST", `${path}?x=%20y`, "application/json", { pin: "PA1", level: 1 }],
      ["GET", path, undefined, undefined],
    ]);
  });

  test("gets the agent's error as it is", async () => {
    const jobId = await runningJob();
    const error = new FarmError("NotSupportedByBoard", { what: "pin PZ9", board: "b", problem: "it has PA0" });
    agent.onRequest = (_request, answer) => void answer.writeHead(422).end(JSON.stringify(error.toBody()));
    const asked = api.farm.channels(jobId).request({ method: "GET", path: "properties?path=/machine" });
    await expect(asked).rejects.toMatchObject(error.toBody());
  });

  test("is refused where it is too large, has no token, or the job waits or has ended", async () => {
    const jobId = await submitJob();
    const control = (body: string) =>
      api.fetch(`/v1/jobs/${jobId}/control`, { method: "POST", body, headers: { "content-type": "application/json" } });
    const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code;
    expect(await codeOf(await control("{}"))).toBe("ChannelUnreachable");
    expect(await codeOf(await control("x".repeat(1024 * 1024 + 1)))).toBe("BodyTooLarge");
    expect((await fetch(`${api.url}/v1/jobs/${jobId}/gpio`)).status).toBe(401);
    expect(await codeOf(await api.fetch(`/v1/jobs/${jobId}/qmp`))).toBe("InvalidRequest");
    await api.store.createVerdict(aVerdict(jobId));
    expect(await codeOf(await control("{}"))).toBe("Conflict");
  });
});

describe("a WebSocket to a channel of a job", () => {
  test("is the agent's: path, messages both ways, code and words of the end", async () => {
    const channels = api.farm.channels(await runningJob());
    const opened = nextChannel();
    const received: string[] = [];
    const mine = await channels.openWebSocket("uarts/uart0?label=me", (data, isText) =>
      received.push(`${isText ? "text" : "bytes"} ${data}`),
    );
    const { socket: theirs, path } = await opened;
    expect(path).toMatch(/[.]1\/uarts\/uart0[?]label=me$/);
    const said = once(theirs, "message");
    mine.send("inward");
    expect(String((await said)[0])).toBe("inward");
    theirs.send("words");
    theirs.send(Buffer.from("bytes"));
    theirs.close(3008, "the instance was deleted");
    const [code, reason] = (await once(mine, "close")) as [number, Buffer];
    expect([code, String(reason), received]).toEqual([3008, "the instance was deleted", ["text words", "bytes bytes"]]);
  });

  test("tells the agent how the caller has ended", async () => {
    const channels = api.farm.channels(await runningJob());
    for (const end of ["close", "terminate"] as const) {
      const opened = nextChannel();
      const mine = await channels.openWebSocket("gpio", () => {});
      const { socket: theirs } = await opened;
      const ended = once(theirs, "close");
      if (end === "close") mine.close(3001, "enough");
      else mine.terminate();
      const [code, reason] = (await ended) as [number, Buffer];
      expect([code, String(reason)]).toEqual(end === "close" ? [3001, "enough"] : [1001, "the caller has gone"]);
    }
  });

  test("is refused before it is open where the agent refuses it", async () => {
    const channels = api.farm.channels(await runningJob());
    const error = new FarmError("NotFound", { kind: "UART", name: "uart9" });
    agent.refusal = { status: 404, body: error.toBody() };
    await expect(channels.openWebSocket("uarts/uart9", () => {})).rejects.toMatchObject(error.toBody());
  });

  test("of an attempt that its agent has no more waits for the next one, with what is sent", async () => {
    const { jobId, mine } = await openAfterTheEnd();
    mine.send("for the next one");
    agent.refusal = undefined;
    const opened = nextChannel();
    await api.queue.signals.publish({ type: "jobRunning", jobId, attempt: 2, agent: agent.address });
    const { socket: theirs, path } = await opened;
    expect(path).toMatch(/[.]2\/uarts\/uart0/);
    expect(String((await once(theirs, "message"))[0])).toBe("for the next one");
    mine.close();
  });

  test("of an attempt that its agent has no more ends with the job, where that is over", async () => {
    const { jobId, mine } = await openAfterTheEnd();
    const ended = once(mine, "close");
    await api.store.createVerdict(aVerdict(jobId));
    await api.queue.signals.publish({ type: "jobFinished", jobId });
    expect(String((await ended)[1])).toBe("the job has finished");
  });

  test("of a job that waits keeps what is sent, however much, until the guest is there", async () => {
    const jobId = await submitJob();
    const mine = await api.farm.channels(jobId).openWebSocket("uarts/uart0", () => {});
    const opened = nextChannel();
    const part = Buffer.alloc(256 * 1024, "x");
    for (let count = 0; count < 40; count++) mine.send(part);
    mine.send("last");
    // More than the API keeps stays on the caller's side.
    expect(mine.bufferedAmount).toBeGreaterThan(0);
    await startJob(jobId);
    const { socket: theirs } = await opened;
    let bytes = 0;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    theirs.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary) resolve();
      else bytes += data.length;
    });
    await done;
    expect(bytes).toBe(40 * part.length);
    mine.close();
  });

  test("with a caller that does not read keeps the agent waiting, and loses nothing", async () => {
    const channels = api.farm.channels(await runningJob());
    const opened = nextChannel();
    const order: number[] = [];
    const mine = await channels.openWebSocket("uarts/uart0", (data) => order.push(data.readUInt32LE(0)));
    mine.pause();
    const { socket: theirs } = await opened;
    const total = 200;
    for (let number = 0; number < total; number++) {
      const message = Buffer.alloc(256 * 1024);
      message.writeUInt32LE(number);
      theirs.send(message);
    }
    theirs.close(1000, "done");
    // Of 50 MB, what sockets and the API hold is a small part: the rest waits on the agent's side.
    expect(theirs.bufferedAmount).toBeGreaterThan(25 * 1024 * 1024);
    mine.resume();
    await once(mine, "close");
    expect(order).toEqual(Array.from({ length: total }, (_, number) => number));
  });

  test("ends with a reason where the agent goes away", async () => {
    const channels = api.farm.channels(await runningJob());
    const opened = nextChannel();
    const mine = await channels.openWebSocket("gdb", () => {});
    const ended = once(mine, "close");
    (await opened).socket.terminate();
    const [code, reason] = (await ended) as [number, Buffer];
    expect([code, String(reason)]).toEqual([1011, "the agent was lost"]);
  });
});
