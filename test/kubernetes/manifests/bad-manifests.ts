import { REFUSED_BOARDS } from "./refused-boards.ts";
import { REFUSED_FIRMWARE } from "./refused-firmware.ts";
import { REFUSED_INSTANCES } from "./refused-instances.ts";
import { REFUSED_POOLS } from "./refused-pools.ts";

/** Manifests that the API server refuses by itself, with what it says. */
export const REFUSED_AT_APPLY = [...REFUSED_FIRMWARE, ...REFUSED_INSTANCES, ...REFUSED_POOLS, ...REFUSED_BOARDS];
