import { describe } from "vitest";
import { testBootStrategy } from "./boot-strategy-conformance.ts";

describe("spawn", () => testBootStrategy({}));
describe("spare", () => testBootStrategy({ strategy: "spare" }));
