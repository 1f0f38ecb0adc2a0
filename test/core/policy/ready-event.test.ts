import { expect, test } from "vitest";
import { readyEventOf } from "../../../src/core/policy/ready-event.ts";

function statusOf(status: "True" | "False" | "Unknown", reason: string, message = "Because.") {
  return { conditions: [{ type: "Ready", status, reason, message, lastTransitionTime: "2026-05-01T12:00:00Z" }] };
}

const asked = statusOf("True", "AsAsked");
const progressing = statusOf("False", "Progressing");
const held = statusOf("False", "ImagePullBackOff", "0 of 2 agents of the present spec serve.");

test.each<[string, Parameters<typeof readyEventOf>[0], Parameters<typeof readyEventOf>[1], string | undefined]>([
  ["a first status on its way", undefined, progressing, undefined],
  ["a board that no agent knows yet", undefined, statusOf("Unknown", "NoAgent"), undefined],
  ["a status without conditions", asked, {}, undefined],
  ["becoming ready", progressing, asked, "Normal AsAsked"],
  ["staying ready", asked, asked, undefined],
  ["why it cannot be", progressing, held, "Warning ImagePullBackOff"],
  ["the same reason in other words", held, statusOf("False", "ImagePullBackOff", "1 of 2 serve."), undefined],
])("%s", (_what, before, after, told) => {
  const event = readyEventOf(before, after);
  expect(event && `${event.type} ${event.reason}`).toBe(told);
});
