import fc from "fast-check";
import { board, type Fields, instance, type Manifest, pool } from "./manifest-builders.ts";

/** The first one is right, and comes often: others are wrong, or right only beside some others. */
const some = <Value>(first: Value, ...others: Value[]): fc.Arbitrary<Value> =>
  fc.oneof({ arbitrary: fc.constant(first), weight: 4 * others.length + 1 }, ...others.map((one) => fc.constant(one)));

/** Most fields are left out, so that about half of all manifests are right. */
function fields(model: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Fields> {
  const left = { arbitrary: fc.constant(undefined), weight: 3 };
  const rare = Object.entries(model).map(([name, arbitrary]) => [name, fc.oneof(left, { arbitrary, weight: 1 })]);
  return fc
    .record<Fields>(Object.fromEntries(rare))
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

const DIGEST = "0a".repeat(32);

const source = {
  url: some(
    "https://a.example/app.elf?x=1#y",
    "http://a.example",
    "https://a b",
    "file:///etc/passwd",
    "https://u@a/b",
  ),
  sha256: some(DIGEST, `${DIGEST}0`),
  configMap: some<Fields>({ name: "images.v1", key: "app.elf" }, { name: "Images", key: "app" }, { name: "images" }),
  artifact: some(DIGEST, "latest"),
  image: some("registry.example:5000/team/app:1.2@sha256:00", "a b"),
  inline: some("QUJD", "QUI=\n", "Q U\nJD\n", "QUJ", "Q===", "=QUI"),
  secretName: some("login", "-login"),
};

const firmware = fields({
  ...source,
  format: some("elf", "linux", "exe"),
  append: some("console=ttyS0"),
  initrd: fields(source),
});

const amount = some<unknown>("500m", "1.5", ".5Gi", 2, "2e3", "1 Gi", "-1", -1, "Ki");

const podTemplate = fields({
  labels: some<Fields>(
    { team: "radio" },
    { "emufarm.dev/pool": "x" },
    { team: "-" },
    { "app.kubernetes.io/name": "x" },
  ),
  tolerations: some<unknown>([{ operator: "Exists" }], [{ operator: "Like" }], [{ key: "a", value: "b" }]),
  resources: fields({ limits: fc.dictionary(some("cpu", "memory", "example.com/kvm"), amount, { maxKeys: 2 }) }),
  imagePullSecrets: some<unknown>([{ name: "a" }, { name: "b" }], [{ name: "a" }, { name: "a" }]),
  hostPID: some(true),
});

const channels = fc.array(
  fc.record({ name: some("uart0", "uart1", "gdb", "qmp", "UART"), tcp: fc.boolean() }, { requiredKeys: ["name"] }),
  { maxLength: 3 },
);

const storage = fields({
  emptyDir: some<Fields>({}, { sizeLimit: "1Gi" }, { sizeLimit: "much" }),
  persistentVolumeClaim: some<Fields>({ claimName: "flash" }, {}),
  volumeClaimTemplate: some<Fields>({ size: 1 }, { size: "1Gi", whenDeleted: "Keep" }),
});

const name = some("sensor-01", "s", "s".repeat(63), "s".repeat(64), "sensor.01", "1s");

export const anyInstance: fc.Arbitrary<Manifest> = fc
  .tuple(
    name,
    fields({
      firmware,
      power: some<unknown>("On", "Off", true, false, "on"),
      paused: some<unknown>(true, false, "yes"),
      resetCount: some<unknown>(0, 3, -1, 1.5, 2 ** 31),
      channels,
      expose: some("ClusterIP", "Headless", "NodePort", "None", "Ingress"),
      access: some<Fields>({}, { unauthenticated: true }, { unauthenticated: "yes" }),
      ttl: some<Fields>({ after: "4h" }, { after: "0.0h" }, { after: "1.5d", from: "LastUsed" }, { after: "4 h" }, {}),
      storage,
      consoleLog: some("None", "All", "uart0"),
      podTemplate,
    }),
  )
  .map(([ownName, spec]) => instance(spec, ownName));

const agents = some<unknown>(1, 0, 5, 1_000, 1_001, -1, "2");
const share = some<unknown>(0, 1, 9, "0%", "25%", "100%", "101%", "05%", -1, "1");

export const anyPool: fc.Arbitrary<Manifest> = fields({
  boards: fc.array(some("microbit", "uno", "UNO"), { maxLength: 3 }),
  replicas: agents,
  slotsPerPod: some(1, 8, 64, 65, 0),
  minReplicas: agents,
  maxReplicas: agents,
  minAvailable: share,
  scaleDownDelay: some("5m", "0s", "m"),
  updateStrategy: fields({ maxSurge: share, maxUnavailable: share }),
  tenantWeights: some<Fields>({ radio: 4 }, { radio: 0 }, { radio: 1_001 }, {}),
  podTemplate,
}).map(pool);

const uart = fc.record({ name: some("uart0", "uart1"), index: some(0, 1, 16) });

export const anyBoard: fc.Arbitrary<Manifest> = fc
  .tuple(
    some<"Board" | "ClusterBoard">("Board", "ClusterBoard"),
    fields({
      emulator: fields({
        machine: some("virt", "virt,dtb=/x", "virt,dtb=", "virt,memory-backend=m"),
        devices: fc.array(some("virtio-rng", "loader,file=/x", "vfio-pci,host=0", "e1000,romfile=", '{"driver":"x"}'), {
          maxLength: 2,
        }),
        args: fc.array(some("-S"), { maxLength: 1 }),
        bios: some("none", "qboot.rom", "../x"),
        accelerators: fc.array(some("kvm", "tcg"), { maxLength: 2 }),
      }),
      memory: some<Fields>(
        { regions: [{ name: "a", base: "0x10", sizeKiB: 4 }] },
        { regions: [{ name: "a", base: 16, sizeKiB: 0 }] },
        { regions: [{ name: "a", base: "16", sizeKiB: 4 }] },
        { regions: [{ name: "a", base: 1.5, sizeKiB: 4 }] },
      ),
      uarts: fc.array(uart, { maxLength: 3 }),
      firmware: fields({
        formats: fc.array(some("elf", "bin", "linux"), { maxLength: 3 }),
        load: some("kernel", "pflash"),
        loadByFormat: some<Fields>({}, { bin: "pflash" }, { bin: "loader" }),
        flashSizeKiB: some(64, 0),
        linux: some<Fields>({ append: "console=ttyS0" }),
        elf: some<Fields>({ machines: ["arm"], class: 32 }, { machines: ["arm"], class: 16 }, { machines: [] }),
      }),
      semihosting: fc.boolean(),
      endings: fc.array(some("semihosting", "reset", "none"), { maxLength: 3 }),
      boot: some<Fields>({}, { proven: ["spare"], unproven: { recycle: "no" } }, { unproven: { spawn: "no" } }),
      ready: some<Fields>({ uart: "uart0", pattern: "^up" }, { uart: "uart1", pattern: "" }),
      timeoutMultiplier: some(1, 0.5, 0),
      network: some<Fields>({ device: "usb-net" }, { device: "e1000,romfile=/x" }),
    }),
  )
  .map(([kind, spec]) => board(spec, kind));
