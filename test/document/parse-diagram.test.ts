import { describe, expect, it } from "vitest";
import { diagramFile } from "../../src/core/diagram/diagram-file.ts";
import { parseDocument } from "../../src/document/parse-document.ts";

const read = (text: string) => parseDocument(text, diagramFile, { file: "diagram.json" });

describe("diagram.json", () => {
  it("is read as the editor writes it: indented by tabs, with colours, coordinates and ways of wires", () => {
    const text = `{
\t"version": 1,
\t"author": "somebody",
\t"editor": "wokwi",
\t"parts": [
\t\t{ "type": "board-demo", "id": "demo", "top": -4.5, "left": 0, "attrs": {} },
\t\t{ "type": "wokwi-led", "id": "led1", "top": 1, "left": 2, "rotate": 90, "attrs": { "color": "red", "flip": true } }
\t],
\t"connections": [ [ "led1:A", "demo:13", "green", [ "v10", "*", "h-5.5" ] ], [ "led1:C", "demo:GND.1", "", [] ] ],
\t"serialMonitor": { "display": "terminal" },
\t"dependencies": {}
}`;
    expect(read(text)).toEqual({
      parts: [
        { id: "demo", type: "board-demo", attrs: {} },
        { id: "led1", type: "wokwi-led", attrs: { color: "red", flip: "true" } },
      ],
      connections: [
        ["led1:A", "demo:13"],
        ["led1:C", "demo:GND.1"],
      ],
    });
  });

  it.each([
    ['{"version": 2, "parts": []}', /^diagram\.json:1:13: version: .*expected 1/],
    ['{"parts": [{"id": "a"}]}', /^diagram\.json:1:12: parts\[0\]\.type: is missing/],
    [
      '{"parts": [{"id": "a", "type": "b"},\n{"id": "a", "type": "b"}]}',
      /^diagram\.json:2:8: parts\[1\]\.id: a occurs twice/,
    ],
    [
      '{"parts": [{"id": "a", "type": "b"}],\n"connections": [["a:1", "c:2", "", []]]}',
      /^diagram\.json:2:25: connections\[0\]\[1\]: there is no part c/,
    ],
    ['{"parts": [{"id": "a", "type": "b"}], "connections": [["a:1"]]}', /connections\[0\]/],
    ["[1, 2]", /^diagram\.json:1:1: /],
    ["{", /^diagram\.json:/],
  ])("tells line and column of what is wrong in %j", (text, problems) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ problems: expect.stringMatching(problems) }) }),
    );
  });
});
