import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GpioMessage, GpioState } from "../../../src/core/wire/gpio.ts";
import { CliPlace, type StartedCli } from "../cli-place.ts";
import { readmeCommands } from "../readme-commands.ts";

let place: CliPlace;
let farm: StartedCli | undefined;

beforeAll(async () => {
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "3"]);
  await farm.said("is up");
});

afterAll(async () => {
  farm?.signal("SIGTERM");
  await farm?.result;
  place[Symbol.dispose]();
});

const gpio = (...args: string[]) => place.run(["gpio", ...args]);

describe("the README's blinking LED and pressed button", () => {
  it("do what they say, command by command", async () => {
    const commands = readmeCommands("Blink a LED, press a button");
    expect(commands.map(([name]) => name)).toEqual(["up", "start", "gpio", "start", "gpio", "logs", "run"]);
    const outputs: string[] = [];
    for (const command of commands.slice(1)) {
      const { code, stdout, stderr } = await place.run(command);
      expect({ command, code }, stderr).toEqual({ command, code: 0 });
      outputs.push(stdout);
    }
    const [, blinks, , pulse] = outputs;
    expect(blinks?.match(/ PIN0 [01]$/gm)).toHaveLength(4);
    expect(pulse).toBe("BUTTON_A (P0.17, 17) is driven low for 100ms\n");
    const door = async () => (await place.run(["logs", "door"])).stdout;
    await expect.poll(door).toBe("ready\npressed 1\nreleased\n");
  });
});

describe("emufarm gpio", () => {
  it("lists the lines that have names or are in use, and all as JSON", async () => {
    const { code, stdout } = await gpio("door");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^BUTTON_A +P0\.17 +17 +high +driven high +Button A$/m);
    expect(stdout).toMatch(/^PIN0 +P0\.3 +3 +high +Edge connector, ring 0$/m);
    expect(stdout).toMatch(/^and \d+ more lines/m);
    const state = JSON.parse((await gpio("door", "list", "--json")).stdout) as GpioState;
    expect(state.lines).toHaveLength(32);
    const one = JSON.parse((await gpio("door", "list", "button_b", "--json")).stdout) as GpioState;
    expect(one.lines).toMatchObject([{ line: "BUTTON_B", number: 26 }]);
  });

  it("watches as lines of JSON, and merged", async () => {
    const { code, stdout } = await gpio("lamp", "watch", "3", "--count", "2", "--json");
    const messages = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as GpioMessage]));
    expect(code).toBe(0);
    expect(messages[0]).toMatchObject({ type: "state", lines: [{ line: "PIN0", number: 3 }] });
    const edges = messages.flatMap((message) => (message.type === "edges" ? message.edges : []));
    expect(edges.map(({ line, by }) => `${line} ${by}`)).toEqual(["PIN0 guest", "PIN0 guest"]);
    expect((await gpio("lamp", "set", "PIN0", "1")).stdout).toBe(
      "PIN0 (P0.3, 3) is driven high; the guest drives it, too, and each change by either is seen\n",
    );
    const merged = await gpio("lamp", "watch", "--coalesce", "50ms", "--count", "4");
    expect(merged.stdout).toMatch(/^\d+\.\d{6}s PIN0 [01] \(\d+ changes\)$/m);
  });

  it("sets a line until it is set otherwise", async () => {
    expect((await gpio("door", "set", "BUTTON_B", "low")).stdout).toBe("BUTTON_B (P0.26, 26) is driven low\n");
    expect(JSON.parse((await gpio("door", "set", "P0.26", "1", "--json")).stdout)).toEqual({
      type: "set",
      line: 26,
      level: 1,
    });
  });

  it.each([
    [["door", "set", "BUTTON_C", "1"], /no pin BUTTON_C\. Did you mean BUTTON_[AB]/],
    [["door", "set", "BUTTON_A", "2"], /a level is 0 or 1/],
    [["door", "set"], /a line is missing/],
    [["door", "hold"], /gpio knows list, watch, set and pulse, not hold/],
    [["door", "release", "BUTTON_A"], /not release: a line that is driven cannot be let go of/],
    [["dor"], /dor/],
  ])("says what is wrong with %j", async (args, words) => {
    const { code, stderr } = await gpio(...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(words) });
  });

  it("completes actions and lines", async () => {
    const words = async (...line: string[]) =>
      (await place.run(["completion", "words", "--", ...line])).stdout.split("\n");
    expect(await words("gpio", "door", "")).toEqual(expect.arrayContaining(["watch", "set", "pulse"]));
    expect(await words("gpio", "door", "set", "BUT")).toEqual(["BUTTON_A", "BUTTON_B", ""]);
  });
});
