import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { expect, test } from "vitest";

const source = new URL("../../src/http/parent-process.ts", import.meta.url);
const script = `
  import { onParentEnd } from ${JSON.stringify(source.href)};
  const timer = setTimeout(() => {}, 60_000);
  onParentEnd(process.stdin, () => { process.stdout.write("ended"); clearTimeout(timer); });
  process.on("SIGTERM", () => { process.stdout.write("told to stop"); clearTimeout(timer); });
  process.stdout.write("up ");
`;

function start(stdin: "pipe" | number) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: [stdin, "pipe", "inherit"],
  });
  const said: string[] = [];
  child.stdout?.on("data", (data: Buffer) => said.push(String(data)));
  return { child, said, up: once(child.stdout ?? child, "data"), closed: once(child, "close") };
}

test("a process whose parent holds its standard input learns that the parent has gone", async () => {
  const { child, said, up, closed } = start("pipe");
  await up;
  child.stdin?.end();
  await closed;
  expect(said.join("")).toBe("up ended");
});

test("a process that began with an empty standard input, as in a container, goes on until it is told to stop", async () => {
  const { child, said, up, closed } = start(openSync("/dev/null", "r"));
  await up;
  child.kill("SIGTERM");
  await closed;
  expect(said.join("")).toBe("up told to stop");
});
