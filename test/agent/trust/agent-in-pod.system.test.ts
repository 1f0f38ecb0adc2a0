import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { createAgentClient } from "../../../src/client/agent-client.ts";
import type { AgentEvent } from "../../../src/core/wire/agent-event.ts";
import { createAuthority, openAuthority } from "../../../src/operator/trust/certificate-authority.ts";
import { createSigningKey } from "../../../src/token/signing-keys.ts";
import { noFakeClock, withClock } from "./fake-clock.ts";
import { PodAgent } from "./pod-agent.ts";

const HOUR_MS = 3_600_000;

describe.skipIf(noFakeClock)(`an agent whose clock is wrong${noFakeClock ? ` (${noFakeClock})` : ""}`, () => {
  test.each(["+30s", "-30s"])("by %s takes its callers", { timeout: 60_000 }, async (offset) => {
    await using agent = await PodAgent.start(withClock(offset));
    await using operator = agent.client("operator");
    expect(await operator.info()).toMatchObject({ slots: 1 });
  });

  test.each([
    ["+600s", 600_000],
    ["-600s", -600_000],
  ])("by %s refuses them, and names both clocks", { timeout: 60_000 }, async (offset, skewMs) => {
    await using agent = await PodAgent.start(withClock(offset));
    await using operator = agent.client("operator");
    const error = await operator.info().then(
      () => undefined,
      (refusal: { code: string; details: { signedAt: string; here: string } }) => refusal,
    );
    expect(error?.code).toBe("ClocksDiffer");
    const { signedAt = "", here = "" } = error?.details ?? {};
    // Tokens count in seconds.
    const differenceMs = Date.parse(here) - Date.parse(signedAt);
    expect(Math.abs(differenceMs - skewMs)).toBeLessThan(60_000);
    expect(error).toMatchObject({ message: expect.stringContaining(`${signedAt} by the clock of the operator`) });
  });
});

test("an agent in a pod takes each caller for what it may, and nobody without a token", {
  timeout: 60_000,
}, async () => {
  await using agent = await PodAgent.start();
  await using operator = agent.client("operator");
  await using dispatcher = agent.client("dispatcher");
  await using api = agent.client("api");
  await operator.cordon(0);
  expect(await dispatcher.attempts()).toEqual([]);
  for (const refused of [
    () => dispatcher.cordon(1_000),
    () => api.cordon(1_000),
    () => operator.acknowledge([]),
    () => api.attempts(),
    () => dispatcher.openQmp({ instance: "any" }, () => {}),
  ]) {
    await expect(refused()).rejects.toMatchObject({ code: "Forbidden" });
  }
  await expect(api.openQmp({ instance: "any" }, () => {})).rejects.toMatchObject({ code: "NotFound" });
  const tls = { authority: agent.authority.certificate, serverName: agent.serverName };
  await using stranger = createAgentClient({ address: `https://127.0.0.1:${agent.port}`, token: "guessed", tls });
  await expect(stranger.info()).rejects.toMatchObject({ code: "TokenRefused" });
});

test("keys change under an agent that runs: no stream breaks, the new one is taken, the old one is not", {
  timeout: 90_000,
}, async () => {
  await using agent = await PodAgent.start();
  const { pid, keys } = agent;
  await using operator = agent.client("operator");
  const stream = listen(operator.events());
  await stream.next("hello");

  const successor = await createSigningKey("operator", Date.now());
  agent.publish([...keys, successor]);
  agent.sign([...keys, successor]);
  // The agent looks at most once in a second for a key that it does not know.
  await expect
    .poll(
      () =>
        operator.cordon(60_000).then(
          () => "taken",
          ({ code }) => code,
        ),
      { timeout: 10_000 },
    )
    .toBe("taken");
  expect(await stream.next("slots")).toMatchObject({ isDraining: true });

  await using late = agent.client("operator");
  agent.publish([successor]);
  agent.sign(keys);
  await expect
    .poll(
      () =>
        late.info().then(
          () => "taken",
          ({ code }) => code,
        ),
      { timeout: 60_000 },
    )
    .toBe("TokenRefused");
  agent.sign([successor]);
  await operator.cordon(0);
  expect(await stream.next("slots")).toMatchObject({ isDraining: false });
  expect(agent.pid).toBe(pid);
});

test("a certificate changes under an agent that runs, and is still there after a restart of its container", {
  timeout: 60_000,
}, async () => {
  await using agent = await PodAgent.start();
  const operator = agent.client("operator");
  const stream = listen(operator.events());
  const hello = await stream.next("hello");
  const before = await shownBy(agent);
  expect(hello).toMatchObject({ certificate: before });

  const next = await agent.authority.renew(before, Date.now(), 2 * HOUR_MS);
  await operator.putCertificate(next);
  expect(await shownBy(agent)).toBe(next);
  await operator.cordon(60_000);
  expect(await stream.next("slots")).toMatchObject({ isDraining: true });

  const foreign = await agent.authority.issue([agent.serverName], Date.now(), 3 * HOUR_MS);
  await expect(operator.putCertificate(foreign.certificate)).rejects.toMatchObject({ code: "Conflict" });
  await expect(operator.putCertificate(before)).rejects.toMatchObject({ code: "Conflict" });
  expect(await shownBy(agent)).toBe(next);
  await operator[Symbol.asyncDispose]();

  await agent.end();
  await agent.start();
  expect(await shownBy(agent)).toBe(next);
});

test("authorities follow each other: a caller that knows both takes certificates of either", {
  timeout: 60_000,
}, async () => {
  await using agent = await PodAgent.start();
  const successor = await openAuthority(await createAuthority(Date.now(), 10 * HOUR_MS));
  let bundle = `${agent.authority.certificate}\n`;
  const tls = { authority: () => bundle, serverName: agent.serverName };
  const address = `https://127.0.0.1:${agent.port}`;
  await using operator = agent.client("operator");
  await operator.putCertificate(await successor.renew(await shownBy(agent), Date.now(), 2 * HOUR_MS));
  await using stranger = createAgentClient({ address, token: "guessed", tls });
  await expect(stranger.info()).rejects.toMatchObject({ code: "AgentLost" });
  bundle += `${successor.certificate}\n`;
  await expect(stranger.info()).rejects.toMatchObject({ code: "TokenRefused" });
});

/** Events as they come. */
function listen(events: AsyncGenerator<AgentEvent>) {
  return {
    async next(type: AgentEvent["type"]): Promise<AgentEvent> {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error("the stream has ended");
        if (value.type === type) return value;
      }
    },
  };
}

/** The certificate that a new connection gets, as PEM. */
async function shownBy(agent: PodAgent): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    host: "127.0.0.1",
    port: agent.port,
    servername: agent.serverName,
    rejectUnauthorized: false,
  });
  socket.once("secureConnect", () => resolve(socket.getPeerX509Certificate()?.toString() ?? ""));
  socket.once("error", reject);
  return promise.then((pem) => pem.trimEnd()).finally(() => socket.destroy());
}
