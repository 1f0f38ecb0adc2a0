import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { architectureCommands, findGdb } from "../../../src/cli/gdb/gdb-program.ts";
import { readBoards } from "../../boards/manifests.ts";
import { AgentLab, exampleImage, readUntil } from "../attempt/agent-lab.ts";
import { portOf, runGdb } from "./gdb-lab.ts";

const IMAGES = join(import.meta.dirname, "../../../examples/images");

let lab: AgentLab;

beforeAll(async () => {
  lab = await AgentLab.start();
});

// A slot for the next board, whatever became of this one.
afterEach(async () => {
  for (const { uid } of await lab.client.instances()) await lab.client.deleteInstance(uid);
});

afterAll(() => lab[Symbol.asyncDispose]());

describe.each(readBoards().map(({ metadata, spec }) => ({ board: metadata.name, spec })))(
  "$board",
  ({ board, spec }) => {
    test("has a debugger come, read its registers, run it on and go", async (context) => {
      const { isAvailable } = await lab.client.checkBoard(board, spec);
      if (!isAvailable) return context.skip("its emulator is not here");
      const program = findGdb({ env: process.env }, spec.architecture);
      const console = spec.uarts[0]?.name ?? "";
      const channels = [{ name: "gdb", tcp: true }];
      await lab.client.putDesired(await lab.desired(board, await exampleImage(board, "shell"), { channels }, board));
      const status = await lab.statusWhen(board, ({ phase }) => phase === "Running");
      const log = () => lab.client.log({ instance: board }, console, { isFollowed: true });
      await readUntil(log(), "> ");
      const commands = ["print/x $pc", "print/x $sp", "info registers pc", "stepi", "detach"];
      const said = await runGdb(
        join(IMAGES, board, "shell.elf"),
        `127.0.0.1:${portOf(status, "gdb")}`,
        commands,
        program,
        architectureCommands(spec.architecture),
      );
      expect(said).toMatch(/\$1 = 0x[0-9a-f]+\n\$2 = 0x[1-9a-f][0-9a-f]*\n/);
      expect(said).toMatch(/^(pc|rip) +0x[0-9a-f]+/m);
      expect(said).toMatch(/\[Inferior 1 \(.*\) detached\]/);
      const socket = await lab.client.channels({ instance: board }).openWebSocket(`uarts/${console}`, () => {});
      socket.send(Buffer.from("echo it goes on\n"));
      await readUntil(log(), "it goes on\n");
      socket.terminate();
    });
  },
);
