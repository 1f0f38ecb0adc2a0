import { type Command, Option } from "commander";
import { TIMESTAMP_FORMATS } from "../console/timestamp.ts";
import { collected, countOfChanges, cpuNumber, durationText, portNumber } from "./argument-parsers.ts";
import { type Does, withFarm } from "./farm-command.ts";

/** People at a board's UARTs. */
export function addConsole(program: Command, does: Does): void {
  withFarm(program.command("console"))
    .description("attach to UARTs of a running job or of an instance (Ctrl-A x detaches)")
    .argument("<target>", "id of the job, or name of the instance")
    .argument("[uart]", "name of the UART; default: the board's console")
    .option("--uart <name>", "another UART beside it, or all; repeatable: each line says where it is from", collected)
    .option("--raw", "pass every byte through: no escape key, no words")
    .option("--escape <key>", "escape key, such as ctrl-], ~ or none (default: EMUFARM_ESCAPE, or ctrl-a)")
    .option("--take", "take the pen from whoever writes")
    .option("--read-only", "write nothing, whatever is typed")
    .option("--no-replay", "begin with what is written from now on")
    .addOption(
      new Option("-t, --timestamps [format]", "begin each line with the time it came at (default: time)").choices([
        ...TIMESTAMP_FORMATS,
      ]),
    )
    .option(
      "--linger <duration>",
      "after the end of standard input, stay until the guest was silent for so long",
      durationText,
      "1s",
    )
    .option("--pty <path>", "make the UART a device at this path, for picocom, tio or pyserial")
    .addHelpText(
      "after",
      "\nCtrl-A h shows what else the escape key does. From a pipe or a file, as in echo version | emufarm console --raw\n" +
        "sensor, it ends once the guest has answered and is silent (--linger); with --read-only, or with /dev/null as\n" +
        "standard input, it stays until the guest's end.",
    )
    .action(does(async () => (await import("../console/console.ts")).console));
}

/** What people do with a board's pins. */
export function addPinCommands(program: Command, does: Does): void {
  withFarm(program.command("gpio"))
    .description("the lines of a running board: list them, watch them change, drive them")
    .argument("<target>", "id of a running job, or name of an instance")
    .argument("[action]", "list, watch [LINE...], set LINE LEVEL, or pulse LINE", "list")
    .argument("[words...]", "lines by name or number; a level is 0 or 1")
    .option("--duration <duration>", "how long a pulse is (default: 100ms)", durationText)
    .option("--level <level>", "level of a pulse (default: what presses the button, or 1)")
    .option("--count <number>", "watch so many changes, then end", countOfChanges)
    .option("--coalesce <duration>", "watch changes merged and counted, told once in this time", durationText)
    .option("--json", "print JSON; watch: a line for each message")
    .addHelpText(
      "after",
      "\nWhat is set stays so until it is set otherwise, over reset and power as well: emulated pins have no third level,\n" +
        "so that no line can be let go of. Set it to the level that it has by itself.",
    )
    .action(does(async () => (await import("../gpio/gpio.ts")).gpio));
}

/** What people do with the emulator itself. */
export function addEmulatorCommands(program: Command, does: Does): void {
  const target = "id of a running job, or name of an instance";
  const listen = "offer it to other programs of this machine: unix:PATH or tcp:PORT, until Ctrl-C";
  withFarm(program.command("pull"))
    .description("copy an instance's flash, card or fuses into a file, as its guest has left them so far")
    .argument("<target>", target)
    .argument("<storage>", "flash, sd or efuse")
    .argument("<file>", "where to; -: standard output")
    .action(does(async () => (await import("../storage/pull.ts")).pull));
  withFarm(program.command("gdb"))
    .description("debug what runs on a board: starts gdb with its symbols (gdb's own arguments after --)")
    .argument("<target>", target)
    .argument("[arguments...]", "arguments for gdb")
    .option("--symbols <file>", "ELF with symbols; default: the firmware, where it is an ELF")
    .option("--port [number]", "start no gdb: offer the board at a port of this machine (default: 1234)", portNumber)
    .option("--vscode", "print VS Code's launch.json")
    .action(does(async () => (await import("../gdb/gdb.ts")).gdb));
  withFarm(program.command("qmp"))
    .description("QMP of a board's emulator: one command, a prompt, or a socket for other programs")
    .argument("<target>", target)
    .argument("[command]", "such as query-status; default: a prompt, or commands from standard input")
    .argument("[arguments...]", "one JSON object, or name=value each")
    .option("--listen <address>", listen)
    .action(does(async () => (await import("../qmp/qmp.ts")).qmp));
  withFarm(program.command("prop"))
    .description("properties of a board's emulated objects (QOM): list, get or set them by path")
    .argument("<target>", target)
    .argument("<action>", "list [PATH], get PATH NAME, or set PATH NAME VALUE")
    .argument("[path]", "path of the object, such as /machine/soc; default: /machine")
    .argument("[name]", "name of the property")
    .argument("[value]", "true, false or a number")
    .option("--json", "print JSON")
    .action(does(async () => (await import("../qmp/prop.ts")).prop));
  withFarm(program.command("screen"))
    .description("a picture of what a board's display shows now, as PNG")
    .argument("<target>", target)
    .option("-o, --output <file>", "write to this file; default: standard output")
    .action(does(async () => (await import("../qmp/screen.ts")).screen));
  withFarm(program.command("vnc"))
    .description("a board's display for VNC viewers on this machine")
    .argument("<target>", target)
    .option("--listen <address>", "where: tcp:PORT or unix:PATH", "tcp:5900")
    .action(does(async () => (await import("../qmp/screen.ts")).vnc));
  withFarm(program.command("monitor"))
    .description("the monitor of a board's emulator for people, read-only: info, x, xp and p")
    .argument("<target>", target)
    .argument("[line...]", 'such as info registers, or "x /16xw 0x20000000"; default: a prompt')
    .option("--cpu <number>", "CPU that it is about; default: the first", cpuNumber)
    .action(does(async () => (await import("../qmp/monitor.ts")).monitor));
}
