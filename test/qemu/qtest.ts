import type { FarmMachine } from "./farm-machine.ts";

/** QEMU's protocol for tests of devices, over the chardev `pins` of a machine. */
export class Qtest {
  readonly #machine: FarmMachine;

  constructor(machine: FarmMachine) {
    this.#machine = machine;
  }

  get stream() {
    const stream = this.#machine.chardevs.get("pins");
    if (stream === undefined) throw new Error("no stream of pins");
    return stream;
  }

  /** The answer to a command, with the lines that came before it. */
  async ask(command: string): Promise<string[]> {
    const from = this.stream.length;
    this.stream.socket?.write(`${command}\n`);
    return (await this.stream.until(/^(OK|FAIL).*\n/m, from)).trimEnd().split("\n");
  }

  /** The answers to several commands that are sent at once; lines that come between them are left out. */
  async askAll(commands: readonly string[]): Promise<string[]> {
    const from = this.stream.length;
    // Nobody knows the last one, and says so when all before it are done.
    this.stream.socket?.write([...commands, "end-of-batch", ""].join("\n"));
    const said = await this.stream.until(/^FAIL.*end-of-batch.*\n/m, from);
    return said
      .split("\n")
      .filter((line) => /^(OK|FAIL)/.test(line))
      .slice(0, commands.length);
  }
}
