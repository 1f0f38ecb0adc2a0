import { describe, expect, test } from "vitest";
import { readQmpLine } from "../../../src/cli/qmp/qmp-line.ts";

describe("a typed line", () => {
  test.each([
    ["query-status", { execute: "query-status" }],
    ["  query-status  ", { execute: "query-status" }],
    ["qom-get path=/machine property=type", { execute: "qom-get", arguments: { path: "/machine", property: "type" } }],
    ["device-list-properties typename=a=b", { execute: "device-list-properties", arguments: { typename: "a=b" } }],
    ["x n=3 b=true t=on", { execute: "x", arguments: { n: 3, b: true, t: "on" } }],
    [
      'send-key {"keys": [{"type": "qcode", "data": "a"}]}',
      { execute: "send-key", arguments: { keys: [{ type: "qcode", data: "a" }] } },
    ],
    ['{"execute": "stop", "id": 1}', { execute: "stop", id: 1 }],
  ])("%s", (line, command) => {
    expect(readQmpLine(line)).toEqual(command);
  });

  test.each(["qom-get /machine", "qom-get =x", '{"id": 1}', '{"execute": ', "x {1}", "{[]}"])(
    "%s is refused",
    (line) => {
      expect(() => readQmpLine(line)).toThrow(expect.objectContaining({ code: "InvalidRequest" }));
    },
  );
});
