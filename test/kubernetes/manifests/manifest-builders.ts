/** A manifest as somebody may write it, right or wrong. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

export type Fields = Readonly<Record<string, unknown>>;

const apiVersion = "emufarm.dev/v1alpha1";

/** An instance that is right but for what is put in. */
export function instance(spec: Fields, name = "sensor-01"): Manifest {
  return { apiVersion, kind: "EmulatorInstance", metadata: { name }, spec: { board: "mps2-an385", ...spec } };
}

/** A pool that is right but for what is put in. */
export function pool(spec: Fields): Manifest {
  return { apiVersion, kind: "EmulatorPool", metadata: { name: "default" }, spec };
}

/** A board that is right but for what is put in, at any depth. */
export function board(spec: Fields, kind: "Board" | "ClusterBoard" = "ClusterBoard"): Manifest {
  return { apiVersion, kind, metadata: { name: "lab-board" }, spec: merged(BOARD, spec) };
}

const BOARD: Fields = {
  title: "Board of the lab",
  architecture: "arm",
  emulator: { binary: "qemu-system-arm", minVersion: "5.2", machine: "mps2-an385" },
  memory: { ramMiB: 24, isFixed: true, regions: [{ name: "flash", base: "0x00000000", sizeKiB: 4096 }] },
  uarts: [{ name: "uart0", index: 0 }],
  firmware: { formats: ["elf"], load: "kernel" },
  endings: ["reset"],
};

function merged(base: Fields, changes: Fields): Fields {
  const entries = Object.entries(changes).map(([key, value]) => {
    const before = base[key];
    return [key, isFields(before) && isFields(value) ? merged(before, value) : value];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
