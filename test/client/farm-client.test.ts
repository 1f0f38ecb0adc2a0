import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createFarmClient, type FarmClient } from "../../src/client/farm-client.ts";
import { FarmError } from "../../src/core/error/farm-error.ts";
import { aVerdict } from "../gen/run.ts";

interface Server extends AsyncDisposable {
  readonly farm: FarmClient;
}

/** A server that misbehaves as no farm does. */
async function serve(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const farm = createFarmClient({ address: `http://127.0.0.1:${port}`, token: "secret" });
  return {
    farm,
    async [Symbol.asyncDispose]() {
      await farm[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const event = (data: { type: string } & object, id?: string) =>
  `${id ? `id: ${id}\n` : ""}event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const finished = (job: string) => ({ type: "jobFinished", jobId: job, name: job, board: "b", verdict: aVerdict(job) });

test("events go on over cut connections, with each verdict once, in whatever pieces they come", async () => {
  const asked: (string | undefined)[] = [];
  const answers = [
    `${event({ type: "run" }) + event(finished("a"), "x-1")}data: {"type":"jobFin`,
    `: a comment\n\n${event({ type: "run" })}${event(finished("b"), "x-2")}`,
    event({ type: "run" }) +
      event(finished("a"), "y-1") +
      event(finished("b"), "y-2") +
      event(finished("c"), "y-3") +
      event({ type: "end" }),
  ];
  await using server = await serve((request, answer) => {
    asked.push(request.headers["last-event-id"] as string | undefined);
    const text = Buffer.from(answers[asked.length - 1] ?? "");
    answer.writeHead(200, { "content-type": "text/event-stream" });
    for (let at = 0; at < text.length; at += 7) answer.write(text.subarray(at, at + 7));
    if (asked.length === 1) setImmediate(() => setImmediate(() => answer.destroy()));
    else answer.end();
  });
  const told: string[] = [];
  for await (const one of server.farm.events("r1")) told.push(one.type === "jobFinished" ? one.jobId : one.type);
  expect(told).toEqual(["run", "a", "b", "c", "end"]);
  expect(asked.slice(1)).toEqual(["x-1", "x-2"]);
});

test("a followed log goes on at the byte that comes next", async () => {
  const whole = Buffer.from("0123456789");
  const offsets: number[] = [];
  await using server = await serve((request, answer) => {
    if (!request.url?.includes("/logs/")) return void answer.end(JSON.stringify({ verdict: aVerdict("a") }));
    const offset = Number(new URL(request.url, "http://farm").searchParams.get("offset"));
    offsets.push(offset);
    answer.writeHead(200);
    if (offset >= 6) return void answer.end(whole.subarray(offset));
    answer.write(whole.subarray(offset, offset + 3), () => setImmediate(() => answer.destroy()));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of server.farm.followLog("a", "uart0")) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe("0123456789");
  expect(offsets).toEqual([0, 3, 6]);
});

test("an answer that is an error is thrown as the error that the farm had", async () => {
  const error = new FarmError("UnknownBoard", { board: "x", hint: " Did you mean y?" });
  await using server = await serve((_request: IncomingMessage, answer: ServerResponse) => {
    answer.writeHead(404).end(JSON.stringify(error.toBody()));
  });
  await expect(server.farm.board("x")).rejects.toMatchObject({ code: "UnknownBoard", message: error.message });
});

test("no farm, or something else that answers, is told as such", async () => {
  await using server = await serve((_request, answer) => answer.writeHead(502).end("<html>bad gateway</html>"));
  await expect(server.farm.runs()).rejects.toMatchObject({ code: "FarmNotRunning" });
  await using nobody = createFarmClient({ address: "unix:/nonexistent/farm.sock", token: "t" });
  await expect(nobody.runs()).rejects.toMatchObject({
    code: "FarmNotRunning",
    message: expect.stringContaining("emufarm up"),
  });
});

test("a farm that goes away and comes back is told each time, a connection that only breaks is not", async () => {
  const fates = ["breaks", "answers", "gone", "gone", "gone", "answers", "gone", "gone", "ends"];
  await using server = await serve((_request, answer) => {
    const fate = fates.shift();
    if (fate === "gone") return void answer.writeHead(502).end("<html>bad gateway</html>");
    answer.writeHead(200);
    if (fate !== "ends") return void answer.write(": nothing to tell\n\n", () => answer.destroy());
    answer.end('event: end\ndata: {"type":"end"}\n\n');
  });
  const told: string[] = [];
  const listener = { onAway: () => told.push("away"), onBack: () => told.push("back") };
  for await (const _event of server.farm.events("r1", listener));
  expect(told).toEqual(["away", "back", "away", "back"]);
});

test("events end at once where the farm says that it is being stopped, with the command that starts it", async () => {
  await using server = await serve((_request, answer) => {
    answer
      .writeHead(200, { "content-type": "text/event-stream" })
      .end(event({ type: "run" }) + event({ type: "farmStops" }));
  });
  const told: string[] = [];
  const following = (async () => {
    for await (const one of server.farm.events("r1")) told.push(one.type);
  })();
  await expect(following).rejects.toMatchObject({ code: "FarmStopped", details: { start: "emufarm up" } });
  expect(told).toEqual(["run"]);
});

test("a followed log ends at once where the farm says behind it that it is being stopped", async () => {
  let requests = 0;
  await using server = await serve((_request, answer) => {
    requests += 1;
    answer.writeHead(200, { trailer: "emufarm-farm" });
    answer.write("so far");
    answer.addTrailers({ "emufarm-farm": "stops" });
    answer.end();
  });
  let text = "";
  const following = (async () => {
    for await (const chunk of server.farm.followLog("r1-000000", "uart0")) text += chunk.toString();
  })();
  await expect(following).rejects.toMatchObject({ code: "FarmStopped" });
  expect({ text, requests }).toEqual({ text: "so far", requests: 1 });
});

test("events give up on a farm that does not come back, and stop at once when they are aborted", async () => {
  await using nobody = createFarmClient({ address: "unix:/nonexistent/farm.sock", token: "t" });
  const follow = async (options: Parameters<FarmClient["events"]>[1]) => {
    for await (const one of nobody.events("r1", options)) throw new Error(`unexpected ${one.type}`);
  };
  const away: number[] = [];
  const given = follow({ giveUpAfterMs: 1_000, onAway: (giveUpAfterMs) => away.push(giveUpAfterMs) });
  await expect(given).rejects.toMatchObject({ code: "FarmNotRunning" });
  expect(away).toEqual([1_000]);
  await expect(follow({ giveUpAfterMs: 0 })).rejects.toMatchObject({ code: "FarmNotRunning" });
  const abort = new AbortController();
  const following = follow({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(following).rejects.toThrow("enough");
});
