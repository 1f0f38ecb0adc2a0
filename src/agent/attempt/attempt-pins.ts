import { expectedLines } from "../../core/diagram/expected-lines.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { GpioLine } from "../../core/gpio/gpio-line.ts";
import { usesPins } from "../../core/schema/scenario.ts";
import type { AttemptSpec } from "../../core/wire/attempt.ts";
import { GpioBank } from "../gpio/gpio-bank.ts";
import { PinRecording } from "../gpio/pin-recording.ts";
import { WiredCircuit } from "../gpio/wired-circuit.ts";
import type { ArtifactSink } from "../scenario/artifact-sink.ts";
import type { UartHub } from "../uart/uart-hub.ts";

/** Name of the file with all changes of pins, for GTKWave and its like. */
const RECORDING = "pins.vcd";

/** The pins of an attempt: watched from the first instruction where its scenario is about them. */
export function attemptPins(spec: AttemptSpec, hubs: readonly UartHub[]): GpioBank {
  const { boardName, board, scenario } = spec;
  const { gpio } = board;
  const isWanted = scenario !== undefined && usesPins(scenario);
  const uart = hubs.find(({ name }) => name === gpio?.uart);
  return new GpioBank({ boardName, gpio, isWanted, wanted: watchedLines(spec), uart });
}

/** Keeps every change of the pins that are watched as a file of the attempt. Returns how to write the last of them. */
export function recordPins(gpio: GpioBank, boardName: string, artifacts: ArtifactSink): () => void {
  if (!gpio.isWanted) return () => {};
  const recording = new PinRecording(boardName, gpio, artifacts.open(RECORDING, "text/x-vcd"));
  const write = (act: () => void) => {
    try {
      act();
    } catch (error) {
      // The attempt has as many bytes of files as it may: what is there is whole up to here, and the test goes on.
      if (!(error instanceof FarmError)) throw error;
      stop();
    }
  };
  const stop = gpio.onEdges((batch) => write(() => recording.add(batch)));
  return () => write(() => recording.close());
}

/** Lines whose levels the scenario asks for: where an emulator can watch one port only, it is theirs. */
function watchedLines({ boardName: name, board: spec, scenario }: AttemptSpec): GpioLine[] {
  return scenario && spec.gpio ? expectedLines(scenario, { name, spec }) : [];
}

/** The circuit around the board, where the scenario has one. @throws {FarmError} NotSupportedByBoard */
export function attemptParts({ boardName: name, board: spec, scenario }: AttemptSpec, gpio: GpioBank) {
  return scenario?.diagram && new WiredCircuit(scenario.diagram, { name, spec }, gpio);
}
