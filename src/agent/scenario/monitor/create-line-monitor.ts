import type { Monitor } from "../../../core/schema/scenario.ts";
import type { LineMonitor } from "./line-monitor.ts";
import { createRegexMonitor } from "./regex-monitor.ts";
import { createUnityMonitor } from "./unity-monitor.ts";
import { createZtestMonitor } from "./ztest-monitor.ts";

/** The monitor that a scenario asks for. */
export function createLineMonitor(monitor: Monitor): LineMonitor {
  switch (monitor.type) {
    case "unity":
      return createUnityMonitor();
    case "ztest":
      return createZtestMonitor();
    case "regex":
      return createRegexMonitor(monitor);
  }
}
