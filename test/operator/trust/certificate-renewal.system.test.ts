import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { createLog } from "../../../src/log/log.ts";
import { CertificateRenewal } from "../../../src/operator/trust/certificate-renewal.ts";
import { PodAgent } from "../../agent/trust/pod-agent.ts";

const log = createLog({ name: "test", level: "silent" });
/** So that two successors come within a test, and a third of it is long on a busy machine. */
const LIFE_MS = 27_000;

test("certificates follow each other before they end: a stream that is open stays, and calls go on", {
  timeout: 120_000,
}, async () => {
  await using agent = await PodAgent.start({}, LIFE_MS);
  await using operator = agent.client("operator");
  const shown: string[] = [];
  const stream = operator.events();
  const { value: hello } = await stream.next();
  const first = hello?.type === "hello" ? (hello.certificate ?? "") : "";
  const renewed = Promise.withResolvers<void>();
  using renewal = new CertificateRenewal({
    client: operator,
    trust: {
      async renewCertificate(certificate) {
        shown.push(certificate);
        if (shown.length > 2) renewed.resolve();
        return await agent.authority.renew(certificate, Date.now(), LIFE_MS);
      },
    },
    log,
    clock: () => Date.now(),
  });
  renewal.follow(first);
  let calls = 0;
  const until = { isOver: false };
  void renewed.promise.then(() => {
    until.isOver = true;
  });
  while (!until.isOver) {
    // A connection of its own for each, which sees the certificate of that moment.
    await using caller = agent.client("operator");
    await caller.info();
    calls += 1;
  }
  expect(calls).toBeGreaterThan(2);
  expect(new Set(shown).size).toBe(shown.length);
  const keys = new Set(shown.map((pem) => new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" })));
  expect(keys.size).toBe(1);
  // The first certificate has ended by now.
  expect(new X509Certificate(first).validToDate.getTime()).toBeLessThan(Date.now());
  const told = stream.next();
  await operator.cordon(60_000);
  expect(await told).toMatchObject({ value: { type: "slots", isDraining: true } });
});
