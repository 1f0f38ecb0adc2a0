import { expect, test } from "vitest";
import { describeFarmQemu, exampleImage, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";
import { useTestFirmware } from "./test-firmware.ts";

const ENDING = machines("mps2-an385", "arm-virt", "raspi2b", "riscv32-virt", "riscv64-virt", "sifive-e");
const SEMIHOSTING = ["-semihosting-config", "enable=on,target=native,confined=on"];

describeFarmQemu("a guest that ends", () => {
  const image = useTestFirmware(["mps2-an385", "arm-virt", "riscv32-virt", "riscv64-virt"], ["stray"]);

  test.each(ENDING)("tells its exit code in SHUTDOWN, and its process lives on: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { image: exampleImage(kind, "unity-fail"), args: SEMIHOSTING });
    await machine.execute("cont");
    expect(await machine.event("SHUTDOWN")).toMatchObject({ guest: true, "exit-code": 1 });
    await machine.event("STOP");
    expect(await machine.status()).toBe("shutdown");
  });

  test.each(ENDING)("ends the process with its exit code where that is not kept: $board", async (kind) => {
    const options = { image: exampleImage(kind, "unity-fail"), args: SEMIHOSTING, isKept: false };
    await using machine = await FarmMachine.start(kind, options);
    expect(await machine.runToExit()).toBe(1);
  });

  test.each(machines("mps2-an385", "arm-virt", "riscv32-virt", "riscv64-virt"))(
    "executes nothing after it has asked for the end: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { args: SEMIHOSTING });
      for (let round = 0; round < 5; round++) {
        expect(await machine.run(image(kind.board, "stray"))).toMatchObject({ text: "ending\n", code: 7 });
      }
    },
  );

  test.each(machines("mps2-an385", "riscv32-virt"))("leaves no exit code to the next: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { args: SEMIHOSTING });
    expect((await machine.run(exampleImage(kind, "unity-fail"))).code).toBe(1);
    expect((await machine.run(exampleImage(kind, "unity"))).code).toBe(0);
    machine.qmp.quit();
    expect(await machine.exited).toBe(0);
  });
});

describeFarmQemu("a Cortex-M that locks up", () => {
  const image = useTestFirmware(["mps2-an385"], ["fall"]);

  test("stops the machine as after a guest's panic, and the next guest runs", async () => {
    const [kind] = machines("mps2-an385");
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { args: SEMIHOSTING });
    await machine.recycle(image(kind.board, "fall"));
    expect(await machine.event("GUEST_PANICKED")).toMatchObject({ action: "pause" });
    await machine.event("STOP");
    expect(await machine.status()).toBe("guest-panicked");
    expect(machine.stderr).toContain("Lockup");
    expect(await machine.run(exampleImage(kind, "hello"))).toMatchObject({ text: "boot ok\n", code: 0 });
  });

  test("aborts the emulator where the machine is not kept, as stock QEMU does", async () => {
    const [kind] = machines("mps2-an385");
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { image: image(kind.board, "fall"), isKept: false });
    expect(await machine.runToExit()).toBe("SIGABRT");
  });
});
