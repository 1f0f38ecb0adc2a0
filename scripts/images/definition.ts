/** What an image is, apart from Debian's packages: those stand in `images/NAME/packages` and `images/NAME/keep`. */
export interface ImageDefinition {
  readonly name: ImageName;
  readonly title: string;
  readonly description: string;
  /** The program that is PID 1, of the sources. */
  readonly entryPoint: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly number[];
  /** Folders that the program writes to; where nothing is mounted, they are the image's own. */
  readonly folders: readonly string[];
  /** Files of the project that the program reads: where they lie, and where they get to. */
  readonly files: Readonly<Record<string, string>>;
}

export const IMAGE_NAMES = ["agent", "operator", "api"] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

/** Nobody's on any system: what runs in a pod is nobody else. */
export const USER_ID = 65_532;

/** Where the programs lie. */
export const PROGRAM_FOLDER = "opt/emufarm";

/** Where the farm's own QEMU lies in the agent's image; its programs come before Debian's. */
export const FARM_QEMU_FOLDER = "opt/emufarm-qemu";

const common = { NODE_ENV: "production", PATH: "/usr/bin" };

export const definitions: Readonly<Record<ImageName, ImageDefinition>> = {
  agent: {
    name: "agent",
    title: "emufarm agent",
    description: "Owns emulators of boards in slots, runs scenarios, serves UARTs and control",
    entryPoint: "src/agent/main.ts",
    env: {
      ...common,
      EMUFARM_LISTEN: "tcp:0.0.0.0:8080",
      EMUFARM_SLOTS: "1",
      EMUFARM_DATA: "/data",
      EMUFARM_CACHE: "/cache",
      EMUFARM_RUNTIME_DIR: "/run/emufarm",
      EMUFARM_QEMU_PATH: `/${FARM_QEMU_FOLDER}/bin`,
    },
    ports: [8080],
    folders: ["data", "cache", "run/emufarm"],
    files: {},
  },
  operator: {
    name: "operator",
    title: "emufarm operator",
    description: "Turns boards, emulator instances and emulator pools into pods, services and status",
    entryPoint: "src/operator/main.ts",
    // By default Node lets 128 MiB of young objects gather before it looks which of them are still in use.
    env: { ...common, NODE_OPTIONS: "--max-semi-space-size=2" },
    ports: [8080],
    folders: [],
    files: {},
  },
  api: {
    name: "api",
    title: "emufarm API",
    description: "The farm's API and its dispatcher, with the Redis server that they keep their queue in",
    entryPoint: "src/api/main.ts",
    env: {
      ...common,
      EMUFARM_LISTEN: "tcp:0.0.0.0:8080",
      EMUFARM_DATA: "/data",
      EMUFARM_BOARDS: `/${PROGRAM_FOLDER}/boards`,
    },
    ports: [8080],
    folders: ["data"],
    files: { "manifests/boards": "boards" },
  },
};
