import { type Command, Option } from "commander";
import { collected, durationText } from "./argument-parsers.ts";
import { type Does, withFarm } from "./farm-command.ts";

const NO_WAIT = "do not wait until it is so";
const TARGET = "name of the instance, or id of the job";

/** Instances, and what becomes of them. */
export function addObjects(program: Command, does: Does): void {
  withFarm(program.command("apply"))
    .description(
      "have instances and boards as files say, here or in a cluster; there also pools and what goes with them",
    )
    .requiredOption(
      "-f, --filename <file>",
      "YAML or JSON file, folder, or - for standard input; repeatable",
      collected,
    )
    .option("--force-conflicts", "take over fields that others have set")
    .option("--json", "print each object as a line of JSON")
    .action(does(async () => (await import("../cluster/apply-objects.ts")).applyObjects));
  withFarm(program.command("start"))
    .description("make an instance: a board that runs until it is deleted")
    .argument("<board>", "name of a board")
    .argument("[firmware]", "file of the firmware")
    .option("--name <name>", "name of the instance; default: after the file")
    .option("--tcp <channel>", "give this channel a TCP port, such as uart0 or gpio; repeatable", collected)
    .option("--paused", "start with the CPU stopped, for a debugger (emufarm gdb) or emufarm resume")
    .addOption(
      new Option("--restart <when>", "when a guest that has ended is started again").choices([
        "never",
        "on-failure",
        "always",
      ]),
    )
    .option("--ttl <duration>", "end it after this time, such as 4h", durationText)
    .option("--no-wait", NO_WAIT)
    .option("--json", "print the instance as JSON")
    .action(does(async () => (await import("../instance/start.ts")).start));
  withFarm(program.command("delete"))
    .description("delete instances")
    .argument("<instances...>", "emu/NAME or NAME")
    .action(does(async () => (await import("../instance/delete.ts")).deleteInstances));
  withFarm(program.command("power"))
    .description("switch an instance, or the board of a running job, on or off")
    .argument("<target>", TARGET)
    .argument("<position>", "on, off, or cycle: off and on again")
    .option("--no-wait", NO_WAIT)
    .option("--json", "print JSON")
    .action(does(async () => (await import("../instance/power.ts")).power));
  withFarm(program.command("reset"))
    .description("reset an instance, or the board of a running job")
    .argument("<target>", TARGET)
    .option("--no-wait", NO_WAIT)
    .option("--json", "print JSON")
    .action(does(async () => (await import("../instance/power.ts")).reset));
  withFarm(program.command("pause"))
    .description("stop the CPU of an instance, or of the board of a running job")
    .argument("<target>", TARGET)
    .option("--no-wait", NO_WAIT)
    .option("--json", "print JSON")
    .action(does(async () => (await import("../instance/power.ts")).pause));
  withFarm(program.command("resume"))
    .description("let a CPU that was stopped go on")
    .argument("<target>", TARGET)
    .option("--no-wait", NO_WAIT)
    .option("--json", "print JSON")
    .action(does(async () => (await import("../instance/power.ts")).resume));
  withFarm(program.command("flash"))
    .description("give an instance other firmware, in place: its consoles stay open")
    .argument("<instance>", "name of the instance")
    .argument("<firmware>", "file of the firmware")
    .option("--no-wait", NO_WAIT)
    .option("--json", "print the instance as JSON")
    .action(does(async () => (await import("../instance/flash.ts")).flash));
}
