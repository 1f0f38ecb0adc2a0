import type { EventRecorder } from "../kube/event-recorder.ts";
import type { FarmObject } from "./kubernetes/kinds.ts";

/** Tells people about an object, as `kubectl describe` shows it. */
export type TellEvent = (object: FarmObject, type: "Normal" | "Warning", reason: string, note: string) => void;

export function createTellEvent(recorder: EventRecorder): TellEvent {
  return (regarding, type, reason, note) => recorder.record({ regarding, type, reason, action: "Reconcile", note });
}
