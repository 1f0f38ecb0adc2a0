import type { DiagramPart } from "./diagram.ts";

/** A contact that joins two pins of a part while its control has the value. */
export interface Contact {
  readonly pins: readonly [string, string];
  readonly closedAt: 0 | 1;
}

/** What a part is to a digital circuit. */
export interface PartKind {
  /** In words, for errors. */
  readonly title: string;
  readonly pins: readonly string[];
  /** Pins that are one and the same. */
  readonly joined?: readonly (readonly [string, string])[];
  /** Pins between which a level passes as a pull-up or pull-down. */
  readonly resistor?: readonly [string, string];
  /** A level that the part itself puts on its pins. */
  readonly supply?: 0 | 1;
  readonly control?: {
    readonly name: string;
    readonly contacts: readonly Contact[];
    /** Where it stands at the start. */
    initial(part: DiagramPart): 0 | 1;
  };
}

const pushButton: PartKind = {
  title: "push button",
  pins: ["1.l", "1.r", "2.l", "2.r"],
  joined: [
    ["1.l", "1.r"],
    ["2.l", "2.r"],
  ],
  control: { name: "pressed", contacts: [{ pins: ["1.l", "2.l"], closedAt: 1 }], initial: () => 0 },
};

/**
 * The parts that are known, by type. An LED and a display conduct one way only and are lit by what a line says: they
 * put no level on it.
 */
const KINDS: Readonly<Record<string, PartKind>> = {
  "wokwi-led": { title: "LED", pins: ["A", "C"] },
  "wokwi-7segment": {
    title: "7-segment display",
    pins: [..."ABCDEFG", "DP", "COM", "COM.1", "COM.2", "DIG1", "DIG2", "DIG3", "DIG4", "CLN"],
    joined: [
      ["COM", "COM.1"],
      ["COM", "COM.2"],
    ],
  },
  "wokwi-pushbutton": pushButton,
  "wokwi-pushbutton-6mm": pushButton,
  "wokwi-slide-switch": {
    title: "slide switch",
    pins: ["1", "2", "3"],
    control: {
      name: "value",
      contacts: [
        { pins: ["1", "2"], closedAt: 0 },
        { pins: ["3", "2"], closedAt: 1 },
      ],
      initial: ({ attrs }) => (attrs.value === "1" ? 1 : 0),
    },
  },
  "wokwi-resistor": { title: "resistor", pins: ["1", "2"], resistor: ["1", "2"] },
  "wokwi-gnd": { title: "ground", pins: ["GND"], supply: 0 },
  "wokwi-vcc": { title: "supply", pins: ["VCC"], supply: 1 },
  "wokwi-junction": { title: "junction of wires", pins: ["J"] },
  "wokwi-text": { title: "text", pins: [] },
};

export function partKind(type: string): PartKind | undefined {
  return Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
}

/** For errors: what a diagram may have beside its board. */
export const KNOWN_PARTS = Object.keys(KINDS).join(", ");
