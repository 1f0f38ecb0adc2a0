import { expect, test } from "vitest";
import { describeFarmQemu, exampleImage, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";

const KINDS = machines("mps2-an385", "riscv64-virt", "uno");

async function guestTimeNs(machine: FarmMachine): Promise<number> {
  return (await machine.execute<{ "virtual-ns": number }>("__dev.emufarm_query-guest-time"))["virtual-ns"];
}

describeFarmQemu("guest time", () => {
  test.each(KINDS)("stands still while the guest is stopped, and goes on with it: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    expect(await guestTimeNs(machine)).toBe(0);
    await machine.execute("cont");
    await machine.uart.until("> ");
    await machine.execute("stop");
    const stopped = await guestTimeNs(machine);
    expect(stopped).toBeGreaterThan(0);
    expect(await guestTimeNs(machine)).toBe(stopped);
  });

  test.each(KINDS)("sets off an alarm once, and not before its time: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await machine.execute("__dev.emufarm_set-alarm", { id: "soon", "virtual-ns": 20_000_000 });
    expect(machine.events).toEqual([]);
    await machine.execute("cont");
    const { id, "virtual-ns": at } = await machine.event("__dev.emufarm_ALARM");
    expect(id).toBe("soon");
    expect(at).toBeGreaterThanOrEqual(20_000_000);
    await expect(machine.execute("__dev.emufarm_cancel-alarm", { id: "soon" })).rejects.toThrow(/no alarm 'soon'/);
  });

  test.each(KINDS)("stops the guest at an alarm that says so: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await machine.execute("__dev.emufarm_set-alarm", { id: "stop", "virtual-ns": 5_000_000, pause: true });
    await machine.execute("cont");
    await machine.event("__dev.emufarm_ALARM");
    await machine.event("STOP");
    expect(await machine.status()).toBe("paused");
    await machine.execute("cont");
    expect(await machine.status()).toBe("running");
  });

  test("tells the exact time of an alarm where instructions are counted", async () => {
    const [kind] = KINDS;
    if (kind === undefined) return;
    const options = { image: exampleImage(kind, "shell"), args: ["-icount", "shift=6,sleep=off"] };
    await using machine = await FarmMachine.start(kind, options);
    await machine.execute("__dev.emufarm_set-alarm", { id: "exact", "virtual-ns": 640_000 });
    await machine.execute("cont");
    expect(await machine.event("__dev.emufarm_ALARM")).toEqual({ id: "exact", "virtual-ns": 640_000 });
  });

  test("sets off an alarm whose time has passed at once, replaces one of the same name, and takes one back", async () => {
    const [kind] = KINDS;
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
    await machine.execute("__dev.emufarm_set-alarm", { id: "past", "virtual-ns": -1 });
    expect(await machine.event("__dev.emufarm_ALARM")).toMatchObject({ id: "past" });
    for (const at of [1_000_000, 2_000_000]) {
      await machine.execute("__dev.emufarm_set-alarm", { id: "twice", "virtual-ns": at });
    }
    await machine.execute("__dev.emufarm_set-alarm", { id: "last", "virtual-ns": 40_000_000 });
    await machine.execute("__dev.emufarm_cancel-alarm", { id: "last" });
    await machine.execute("__dev.emufarm_set-alarm", { id: "end", "virtual-ns": 60_000_000, pause: true });
    await machine.execute("cont");
    await machine.event("STOP");
    const gone = machine.events.flatMap(({ event, data }) =>
      event === "__dev.emufarm_ALARM" ? [(data as { id: string }).id] : [],
    );
    expect(gone).toEqual(["past", "twice", "end"]);
  });

  test.each(KINDS)(
    "runs on when the machine is recycled, and drops the alarms of the former guest: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "shell") });
      await machine.execute("cont");
      await machine.uart.until("> ");
      await machine.execute("__dev.emufarm_set-alarm", { id: "old", "virtual-ns": 1_000_000_000_000 });
      const { "virtual-ns": start } = await machine.recycle();
      expect(start).toBeGreaterThan(0);
      expect(await guestTimeNs(machine)).toBeGreaterThanOrEqual(start);
      await expect(machine.execute("__dev.emufarm_cancel-alarm", { id: "old" })).rejects.toThrow(/no alarm/);
    },
  );
});
