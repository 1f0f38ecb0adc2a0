import { testBootStrategy } from "./boot-strategy-conformance.ts";

testBootStrategy({});
