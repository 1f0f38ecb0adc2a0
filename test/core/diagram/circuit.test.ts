import { describe, expect, it } from "vitest";
import { Circuit, type DiagramBoard } from "../../../src/core/diagram/circuit.ts";
import { type Diagram, diagram } from "../../../src/core/diagram/diagram.ts";

const board: DiagramBoard = {
  name: "demo",
  parts: ["board-demo"],
  lineOf: (pin) => (/^D\d+$/.test(pin) ? `line${pin.slice(1)}` : undefined),
};

type Wires = [string, string][];

function circuit(parts: Record<string, string | [string, Record<string, string>]>, connections: Wires): Circuit {
  return new Circuit(drawn(parts, connections), board);
}

function drawn(parts: Record<string, string | [string, Record<string, string>]>, connections: Wires): Diagram {
  const listed = Object.entries(parts).map(([id, of]) => {
    const [type, attrs] = typeof of === "string" ? [of, {}] : of;
    return { id, type: type.startsWith("board-") ? type : `wokwi-${type}`, attrs };
  });
  return diagram.parse({ parts: [{ id: "b", type: "board-demo" }, ...listed], connections });
}

describe("a circuit", () => {
  it("gives a button against ground the level of a pull-up while it is open", () => {
    const button = circuit({ btn: "pushbutton" }, [
      ["btn:1.l", "b:D2"],
      ["btn:2.r", "b:GND.1"],
    ]);
    expect(button.levels()).toEqual(new Map([["line2", 1]]));
    button.setControl("btn", "pressed", 1);
    expect(button.levels()).toEqual(new Map([["line2", 0]]));
    button.setControl("btn", "pressed", false);
    expect(button.levels()).toEqual(new Map([["line2", 1]]));
  });

  it("gives a button against supply the level of a pull-down, its own or one that is drawn", () => {
    const wires: Wires = [
      ["btn:1.r", "b:D2"],
      ["btn:2.l", "b:3V3"],
    ];
    const pulled: Wires = [...wires, ["r1:1", "b:D2"], ["r1:2", "b:GND"]];
    for (const drawing of [
      circuit({ btn: "pushbutton" }, wires),
      circuit({ btn: "pushbutton", r1: "resistor" }, pulled),
    ]) {
      expect(drawing.levels()).toEqual(new Map([["line2", 0]]));
      drawing.setControl("btn", "pressed", "1");
      expect(drawing.levels()).toEqual(new Map([["line2", 1]]));
    }
  });

  it("has a slide switch stand where its attribute says, and moves it", () => {
    const wires: Wires = [
      ["sw:1", "b:GND"],
      ["sw:2", "b:D4"],
      ["sw:3", "b:5V"],
    ];
    expect(circuit({ sw: "slide-switch" }, wires).levels()).toEqual(new Map([["line4", 0]]));
    const right = circuit({ sw: ["slide-switch", { value: "1" }] }, wires);
    expect(right.levels()).toEqual(new Map([["line4", 1]]));
    right.setControl("sw", "value", 0);
    expect(right.levels()).toEqual(new Map([["line4", 0]]));
  });

  it("puts no level on the lines of LEDs and displays, and finds them through resistors", () => {
    const lamps = circuit({ led: "led", r1: "resistor", seg: "7segment" }, [
      ["b:D13", "r1:1"],
      ["r1:2", "led:A"],
      ["led:C", "b:GND.2"],
      ["seg:A", "b:D5"],
      ["seg:COM", "b:GND.1"],
    ]);
    expect(lamps.levels()).toEqual(new Map());
    expect(lamps.sense("led", "A")).toEqual({ line: "line13" });
    expect(lamps.sense("led", "C")).toEqual({ level: 0 });
    expect(lamps.sense("seg", "A")).toEqual({ line: "line5" });
    expect(lamps.sense("seg", "B")).toEqual({ level: 0 });
    expect(lamps.sense("b", "D7")).toEqual({ line: "line7" });
  });

  it("follows a slide switch that leads a line to one LED or the other", () => {
    const two = circuit({ sw: "slide-switch", left: "led", right: "led" }, [
      ["b:D13", "sw:2"],
      ["sw:1", "left:A"],
      ["sw:3", "right:A"],
      ["left:C", "b:GND"],
      ["right:C", "b:GND"],
    ]);
    expect(two.levels()).toEqual(new Map());
    expect([two.sense("left", "A"), two.sense("right", "A")]).toEqual([{ line: "line13" }, { level: 0 }]);
    two.setControl("sw", "value", 1);
    expect([two.sense("left", "A"), two.sense("right", "A")]).toEqual([{ level: 0 }, { line: "line13" }]);
  });

  it("takes junctions, supplies of their own, texts and the serial monitor as they are meant", () => {
    const drawing = circuit({ j: "junction", gnd: "gnd", note: "text", btn: "pushbutton-6mm" }, [
      ["b:TX", "$serialMonitor:RX"],
      ["b:D3", "j:J"],
      ["j:J", "btn:1.l"],
      ["btn:2.l", "gnd:GND"],
    ]);
    drawing.setControl("btn", "pressed", true);
    expect(drawing.levels()).toEqual(new Map([["line3", 0]]));
  });

  it.each<[string, () => Circuit, RegExp, string]>([
    [
      "a part that is not known, by its name",
      () => circuit({ dht: "dht22" }, []),
      /^In the diagram, part dht \(wokwi-dht22\) is not supported by board demo: .*wokwi-led/,
      "diagram.parts.1.type",
    ],
    [
      "a board that is another one",
      () => circuit({ uno: "board-other" }, []),
      /part uno \(board-other\) is not supported by board demo: as demo: board-demo/,
      "diagram.parts.1.type",
    ],
    [
      "a pin that the board has not",
      () => circuit({ led: "led" }, [["b:X9", "led:A"]]),
      /pin X9 of b is not supported/,
      "diagram.connections.0.0",
    ],
    [
      "a pin that a part has not",
      () => circuit({ led: "led" }, [["led:B", "b:D1"]]),
      /pin B of led .* a LED has A, C/,
      "diagram.connections.0.0",
    ],
    [
      "a wire from one line to another",
      () => circuit({}, [["b:D1", "b:D2"]]),
      /joining its lines line1 and line2/,
      "diagram.connections.0.1",
    ],
    [
      "a button between two lines",
      () =>
        circuit({ btn: "pushbutton" }, [
          ["b:D1", "btn:1.l"],
          ["btn:2.l", "b:D2"],
        ]),
      /joining its lines/,
      "diagram.connections",
    ],
  ])("refuses %s", (_what, draw, sentence, place) => {
    const refuse = () => {
      try {
        draw();
      } catch (error) {
        return error as Error & { details: { place: string } };
      }
      return undefined;
    };
    expect(refuse()?.message).toMatch(sentence);
    expect(refuse()?.details.place).toBe(place);
  });

  it("says which part, control or pin is not there", () => {
    const drawing = circuit({ btn: "pushbutton", led: "led" }, []);
    expect(() => drawing.setControl("btn2", "pressed", 1)).toThrow("There is no part of the diagram btn2.");
    expect(() => drawing.setControl("btn", "value", 1)).toThrow("which is a push button and has pressed");
    expect(() => drawing.setControl("led", "value", 1)).toThrow("There is no control value of led.");
    expect(() => drawing.setControl("btn", "pressed", 2)).toThrow("expected 0 or 1");
    expect(() => drawing.sense("led", "X")).toThrow("There is no pin X of led.");
  });
});

describe("a diagram", () => {
  it("has each part once, and wires between parts that are there", () => {
    const parts = [
      { id: "a", type: "wokwi-led" },
      { id: "a", type: "wokwi-led" },
    ];
    const { error } = diagram.safeParse({ parts, connections: [["a:A", "b:1"]] });
    expect(error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`)).toEqual([
      "parts.1.id a occurs twice",
      "connections.0.1 there is no part b",
    ]);
  });
});
