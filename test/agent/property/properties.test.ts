import { expect, test } from "vitest";
import { getProperty, listProperties, setProperty } from "../../../src/agent/property/properties.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";

/** An emulator with these objects; it notes what it was asked to change. */
function emulatorWith(objects: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const set: unknown[] = [];
  return {
    set,
    async execute(command: string, args: Record<string, unknown> = {}) {
      const path = String(args.path);
      const properties = objects[path];
      if (!properties) throw failure("DeviceNotFound", `Device '${path}' not found`);
      if (command === "qom-list") return Object.entries(properties).map(([name, type]) => ({ name, type }));
      if (command === "qom-get") return `value of ${args.property}`;
      if (args.property === "stubborn") throw failure("GenericError", "Property 'x.stubborn' is read-only");
      set.push(args);
      return {};
    },
  };
}

function failure(qmpClass: string, qmpDescription: string): FarmError {
  return new FarmError("QmpFailed", { command: "qom", detail: qmpDescription, qmpClass, qmpDescription });
}

const machine = () =>
  emulatorWith({
    "/machine": { soc: "child<soc>", ram: "link<memory-backend>", dumpdtb: "string" },
    "/machine/soc": { "sensor[0]": "child<tmp105>", realized: "bool", chardev: "str", stubborn: "bool" },
    "/machine/soc/sensor[0]": { temperature: "int", level: "uint8", on: "bool", frequency: "uint64" },
    "/machine/ram": { merge: "bool" },
    "/objects": { mem: "child<memory-backend-file>" },
    "/objects/mem": { "mem-path": "str", merge: "bool" },
  });

test("an object's properties are listed, with those that may be set", async () => {
  const properties = await listProperties(machine(), "/machine/soc");
  expect(Object.fromEntries(properties.map(({ name, isSettable }) => [name, isSettable]))).toEqual({
    "sensor[0]": false,
    realized: false,
    chardev: false,
    stubborn: true,
  });
  expect((await listProperties(machine(), "/objects/mem")).some(({ isSettable }) => isSettable)).toBe(false);
});

test("a property has its type and value", async () => {
  const value = await getProperty(machine(), "/machine/soc/sensor[0]", "temperature");
  expect(value).toEqual({
    path: "/machine/soc/sensor[0]",
    name: "temperature",
    type: "int",
    value: "value of temperature",
  });
});

test.each([
  ["temperature", -5_000],
  ["level", 7],
  ["on", true],
  ["frequency", 1e9],
])("%s is set", async (property, value) => {
  const emulator = machine();
  await setProperty(emulator, "/machine/soc/sensor[0]", property, value);
  expect(emulator.set).toEqual([{ path: "/machine/soc/sensor[0]", property, value }]);
});

test.each([
  ["a text", "/machine", "dumpdtb", "/tmp/x", "PropertyRefused"],
  ["a text that calls itself a number", "/machine", "dumpdtb", 1, "PropertyRefused"],
  ["a character device", "/machine/soc", "chardev", "serial0", "PropertyRefused"],
  ["what takes a device out of its machine", "/machine/soc", "realized", false, "PropertyRefused"],
  ["a link", "/machine", "ram", true, "PropertyRefused"],
  ["an object behind a link", "/machine/ram", "merge", true, "PropertyRefused"],
  ["an object of the host's", "/objects/mem", "merge", true, "PropertyRefused"],
  ["a path with a hole", "/machine//soc", "realized", true, "PropertyRefused"],
  ["a path upwards", "/machine/../objects/mem", "merge", true, "PropertyUnknown"],
  ["a path that is not whole", "sensor[0]", "on", true, "PropertyRefused"],
  ["a truth value for a number", "/machine/soc/sensor[0]", "level", true, "PropertyRefused"],
  ["a text for a truth value", "/machine/soc/sensor[0]", "on", "true", "PropertyRefused"],
  ["an object that is not there", "/machine/gone", "on", true, "PropertyUnknown"],
  ["a property that is not there", "/machine/soc", "gone", true, "PropertyUnknown"],
  ["what QEMU refuses", "/machine/soc", "stubborn", true, "PropertyRefused"],
])("%s is not set", async (_, path, name, value, code) => {
  const emulator = machine();
  await expect(setProperty(emulator, path, name, value)).rejects.toMatchObject({ code });
  expect(emulator.set).toEqual([]);
});

test("an emulator that does not answer is not a property that is not there", async () => {
  const gone = { execute: () => Promise.reject(new FarmError("QmpFailed", { command: "qom-list", detail: "closed" })) };
  await expect(listProperties(gone, "/machine")).rejects.toMatchObject({ code: "QmpFailed" });
});
