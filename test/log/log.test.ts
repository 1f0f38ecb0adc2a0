import { expect, test } from "vitest";
import { createLog } from "../../src/log/log.ts";

test("secrets are left out of a line, wherever they are", () => {
  const lines: string[] = [];
  const log = createLog({ name: "agent", stream: { write: (line) => lines.push(line) } });
  log.info(
    { token: "s3cret", headers: { authorization: "s3cret" }, attempt: { spec: { urls: "s3cret" } }, id: 7 },
    "hello",
  );
  expect(lines.join("")).not.toContain("s3cret");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", name: "agent", msg: "hello", id: 7 });
});

test("lines under the level are not written", () => {
  const lines: string[] = [];
  createLog({ name: "agent", level: "warn", stream: { write: (line) => lines.push(line) } }).info("hello");
  expect(lines).toEqual([]);
});
