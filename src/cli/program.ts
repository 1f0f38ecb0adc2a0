import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { TIMESTAMP_FORMATS } from "./console/timestamp.ts";
import { EXIT } from "./exit-code.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Reads the command line and carries the command out. What a command needs is loaded when it is called, so that
 * `emufarm run` need not wait for what `emufarm up` is made of.
 * @returns the exit code
 */
export async function runProgram(surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.passed;
  const program = new Command("emufarm");
  const does =
    <Given extends unknown[]>(load: () => Promise<(surroundings: Surroundings, ...given: Given) => Promise<number>>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      // An option that `boards` has as well as `boards add` is kept by the former, wherever it stands.
      const args = [...given.slice(0, -2), command.optsWithGlobals(), command];
      exitCode = await (await load())(surroundings, ...(args as Given));
    };
  program
    .description("Runs firmware on emulated boards, one or ten thousand at a time.")
    .version(versionOf(surroundings.project.folder))
    .configureOutput({
      writeOut: (text) => surroundings.stdout.write(text),
      writeErr: (text) => surroundings.stderr.write(text.replace(/^error: /, "emufarm: ")),
    })
    .showHelpAfterError("(emufarm COMMAND --help tells more)")
    .exitOverride((error) => {
      throw error;
    });

  addRun(program, does);
  addFarmCommands(program, does);
  addQuestions(program, does);
  addObjects(program, does);
  addEmulatorCommands(program, does);
  addConsole(program, does);
  addPinCommands(program, does);
  try {
    await program.parseAsync(surroundings.args, { from: "user" });
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    return error.exitCode === 0 ? EXIT.passed : EXIT.badRequest;
  }
  return exitCode;
}

function versionOf(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return version;
}

type Does = <Given extends unknown[]>(
  load: () => Promise<(surroundings: Surroundings, ...given: Given) => Promise<number>>,
) => (...given: unknown[]) => Promise<void>;

function addRun(program: Command, does: Does): void {
  withFarm(program.command("run"))
    .description("run one firmware on a board: UART to standard output, the farm's words to standard error")
    .argument("<board>", "name of a board, path of its YAML file, or a folder with wokwi.toml and diagram.json")
    .argument("[image]", "ELF or raw image, a Linux kernel, or a folder with wokwi.toml")
    .option("-i, --interactive", "connect standard input to the UART (Ctrl-A x ends)")
    .option("--uart <name>", "UART to show; default: the board's console")
    .option("--expect-text <text>", "pass when this text appears")
    .option("--fail-text <text>", "fail when this text appears")
    .option("--scenario <file>", "steps and checks to run")
    .option("--timeout <duration>", "deadline, such as 90s or 5m (default: 30s; with -i: 24h)", durationText)
    .addOption(
      new Option("--timeout-exit-code <code>", "exit code of a timeout")
        .default(EXIT.timedOut)
        .argParser(exitCodeNumber),
    )
    .addOption(new Option("--exit-code <whose>", "whose exit code to end with").choices(["farm", "guest"]))
    .option("--serial-log-file <file>", "keep what the guest wrote in this file")
    .option("--artifacts <folder>", "keep the files that the scenario makes, such as screenshots, in this folder")
    .addOption(new Option("--on-reset <what>", "what a reset by the guest means").choices(["continue", "end"]))
    .option("--kernel-append <text>", "command line of a Linux kernel")
    .option("--initrd <file>", "initial RAM disk of a Linux kernel")
    .option("--dtb <file>", "device tree of a Linux kernel")
    .option("--gdb [port]", "stop at the first instruction and wait for a debugger (default: port 1234)", portNumber)
    .option("--vscode", "print VS Code's launch.json for that instead of running")
    .option("--watch", "run again whenever the image changes, until Ctrl-C")
    .option("--no-farm", "use no running farm: start the emulator from here")
    .option("--json", "print the result as JSON, and the UART to standard error")
    .addHelpText(
      "after",
      "\nExit codes: 0 passed, 1 failed, 2 bad request, 3 authentication, 5 farm error, 42 timeout, 130 interrupted.",
    )
    .action(does(async () => (await import("./run/run.ts")).run));
}

function addFarmCommands(program: Command, does: Does): void {
  program
    .command("up")
    .description("start the farm on this machine and keep it up until Ctrl-C")
    .option("--data <folder>", "the farm's folder")
    .addOption(
      new Option("--port <number>", "port of the API on 127.0.0.1; 0: any that is free")
        .default(7733)
        .argParser(portNumber),
    )
    .option("--slots <number>", "emulators at a time; default: two for each processor", positiveNumber)
    .option("--agents <number>", "agent processes; default: one for eight slots", positiveNumber)
    .option("--boards <folder>", "folder with more boards; may be given several times", collected)
    .option("--examples [folder]", "run the examples, or the tests in a folder, and tell the results")
    .option("--json", "print JSON lines")
    .action(does(async () => (await import("./up/up.ts")).up));
  withFarm(program.command("test"))
    .description("run the tests of a run file, or of every *.run.yaml in a folder")
    .argument("<path>", "run file, or folder")
    .option("--shard <i/n>", "run only the i-th of n parts")
    .option("--only <text>", "run only jobs with this in their name or board")
    .option("--repeat <number>", "run each job this often", positiveNumber)
    .option("--jobs <number>", "slots of the private farm, where no farm is running", positiveNumber)
    .option("--junit <file>", "write a JUnit report")
    .option("--artifacts <folder>", "keep the files that tests make, such as screenshots: FOLDER/BOARD/JOB/FILE")
    .option("--json", "print JSON lines")
    .action(does(async () => (await import("./test/test.ts")).test));
}

function addQuestions(program: Command, does: Does): void {
  const boards = withFarm(program.command("boards")).description("the boards, and whether they can run here");
  boards.option("--json", "print JSON").action(does(async () => (await import("./command/boards.ts")).listBoards));
  withFarm(boards.command("add"))
    .description("add a board to the farm, or replace it")
    .argument("<file>", "YAML file of the board")
    .action(does(async () => (await import("./command/boards.ts")).addBoard));
  withFarm(boards.command("remove"))
    .description("remove a board that was added to the farm")
    .argument("<name>", "name of the board")
    .action(does(async () => (await import("./command/boards.ts")).removeBoard));
  withFarm(boards.command("check"))
    .description("check a board's file, and whether it can run here")
    .argument("<file>", "YAML file of the board")
    .action(does(async () => (await import("./command/boards.ts")).checkBoard));
  withFarm(program.command("logs"))
    .description("what the guest of a job, or of an instance in a cluster, wrote")
    .argument("<job>", "id of the job, or emu/NAME")
    .argument("[uart]", "name of the UART; default: the board's console")
    .option("-f, --follow", "go on until the job has finished")
    .action(does(async () => (await import("./command/logs.ts")).logs));
  withFarm(program.command("get"))
    .description("list runs, jobs, boards or instances, the jobs of a run, or objects of a cluster as kubectl get does")
    .argument(
      "[what]",
      "runs, jobs, boards, instances (emu), a run's id, emu/NAME; on a cluster emupool, brd, all",
      "runs",
    )
    .argument("[names...]", "names of objects")
    .addOption(
      new Option("-o, --output <format>", "of objects: how to print").choices(["json", "yaml", "wide", "name"]),
    )
    .option("-A, --all-namespaces", "objects of all namespaces")
    .option("-l, --selector <labels>", "objects with these labels")
    .option("-w, --watch", "go on with each object that changes")
    .option("--json", "print JSON")
    .action(does(async () => (await import("./command/get.ts")).get));
  withFarm(program.command("describe"))
    .description("all that is known about a job, a run, a board, an instance or an object of a cluster")
    .argument("<what>", "id of a job or run, or name of a board or instance; emu/NAME, emupool/NAME, brd/NAME")
    .argument("[name]", "name of an object, where what is a kind")
    .option("--json", "print JSON")
    .action(does(async () => (await import("./command/describe.ts")).describe));
  withFarm(program.command("cancel"))
    .description("cancel a job or a whole run")
    .argument("<id>", "id of the job or run")
    .option("--reason <text>", "why, for the report", "by hand")
    .option("--json", "print JSON")
    .action(does(async () => (await import("./command/cancel.ts")).cancel));
  withFarm(program.command("junit"))
    .description("the JUnit report of a run")
    .argument("<run>", "id of the run")
    .option("-o, --output <file>", "write to this file; default: standard output")
    .action(does(async () => (await import("./command/junit.ts")).junit));
  withFarm(program.command("doctor"))
    .description("check what this machine, or a cluster, has for running firmware, and say what to do")
    .option("--json", "print JSON")
    .option("--probe-network", "on a cluster: find out whether network policies are enforced, by a pod that dials")
    .action(does(async () => (await import("./command/doctor.ts")).doctor));
  program
    .command("completion")
    .description("print the completion script of a shell: source <(emufarm completion bash)")
    .argument("<shell>", "bash, zsh or fish")
    .argument("[words...]", "with words for a shell: the command line so far, which its script asks about")
    .action(does(async () => (await import("./command/completion.ts")).completion));
}

function addObjects(program: Command, does: Does): void {
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
    .action(does(async () => (await import("./cluster/apply-objects.ts")).applyObjects));
  withFarm(program.command("start"))
    .description("make an instance: a board that runs until it is deleted")
    .argument("<board>", "name of a board")
    .argument("[firmware]", "file of the firmware")
    .option("--name <name>", "name of the instance; default: after the file")
    .option("--tcp <channel>", "give this channel a TCP port, such as uart0 or gpio; repeatable", collected)
    .option("--paused", "start with the CPU stopped, for a debugger")
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
    .action(does(async () => (await import("./instance/start.ts")).start));
  withFarm(program.command("delete"))
    .description("delete instances")
    .argument("<instances...>", "emu/NAME or NAME")
    .action(does(async () => (await import("./instance/delete.ts")).deleteInstances));
  withFarm(program.command("power"))
    .description("switch an instance, or the board of a running job, on or off")
    .argument("<target>", TARGET)
    .argument("<position>", "on, off, or cycle: off and on again")
    .option("--no-wait", NO_WAIT)
    .option("--json", "print JSON")
    .action(does(async () => (await import("./instance/power.ts")).power));
  withFarm(program.command("reset"))
    .description("reset an instance, or the board of a running job")
    .argument("<target>", TARGET)
    .option("--no-wait", NO_WAIT)
    .option("--json", "print JSON")
    .action(does(async () => (await import("./instance/power.ts")).reset));
  withFarm(program.command("flash"))
    .description("give an instance other firmware, in place: its consoles stay open")
    .argument("<instance>", "name of the instance")
    .argument("<firmware>", "file of the firmware")
    .option("--no-wait", NO_WAIT)
    .option("--json", "print the instance as JSON")
    .action(does(async () => (await import("./instance/flash.ts")).flash));
}

const NO_WAIT = "do not wait until it is so";
const TARGET = "name of the instance, or id of the job";

/** People at a board's UARTs. */
function addConsole(program: Command, does: Does): void {
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
    .option("--pty <path>", "make the UART a device at this path, for picocom, tio or pyserial")
    .addHelpText("after", "\nCtrl-A h shows what else the escape key does.")
    .action(does(async () => (await import("./console/console.ts")).console));
}

/** What people do with a board's pins. */
function addPinCommands(program: Command, does: Does): void {
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
    .action(does(async () => (await import("./gpio/gpio.ts")).gpio));
}

/** What people do with the emulator itself. */
function addEmulatorCommands(program: Command, does: Does): void {
  const target = "id of a running job, or name of an instance";
  const listen = "offer it to other programs of this machine: unix:PATH or tcp:PORT, until Ctrl-C";
  withFarm(program.command("pull"))
    .description("copy an instance's flash, card or fuses into a file, as its guest has left them so far")
    .argument("<target>", target)
    .argument("<storage>", "flash, sd or efuse")
    .argument("<file>", "where to; -: standard output")
    .action(does(async () => (await import("./storage/pull.ts")).pull));
  withFarm(program.command("gdb"))
    .description("debug what runs on a board: starts gdb with its symbols (gdb's own arguments after --)")
    .argument("<target>", target)
    .argument("[arguments...]", "arguments for gdb")
    .option("--symbols <file>", "ELF with symbols; default: the firmware, where it is an ELF")
    .option("--port [number]", "start no gdb: offer the board at a port of this machine (default: 1234)", portNumber)
    .option("--vscode", "print VS Code's launch.json")
    .action(does(async () => (await import("./gdb/gdb.ts")).gdb));
  withFarm(program.command("qmp"))
    .description("QMP of a board's emulator: one command, a prompt, or a socket for other programs")
    .argument("<target>", target)
    .argument("[command]", "such as query-status; default: a prompt, or commands from standard input")
    .argument("[arguments...]", "one JSON object, or name=value each")
    .option("--listen <address>", listen)
    .action(does(async () => (await import("./qmp/qmp.ts")).qmp));
  withFarm(program.command("prop"))
    .description("properties of a board's emulated objects (QOM): list, get or set them by path")
    .argument("<target>", target)
    .argument("<action>", "list [PATH], get PATH NAME, or set PATH NAME VALUE")
    .argument("[path]", "path of the object, such as /machine/soc; default: /machine")
    .argument("[name]", "name of the property")
    .argument("[value]", "true, false or a number")
    .option("--json", "print JSON")
    .action(does(async () => (await import("./qmp/prop.ts")).prop));
  withFarm(program.command("screen"))
    .description("a picture of what a board's display shows now, as PNG")
    .argument("<target>", target)
    .option("-o, --output <file>", "write to this file; default: standard output")
    .action(does(async () => (await import("./qmp/screen.ts")).screen));
  withFarm(program.command("vnc"))
    .description("a board's display for VNC viewers on this machine")
    .argument("<target>", target)
    .option("--listen <address>", "where: tcp:PORT or unix:PATH", "tcp:5900")
    .action(does(async () => (await import("./qmp/screen.ts")).vnc));
  withFarm(program.command("monitor"))
    .description("the monitor of a board's emulator for people, read-only: info, x, xp and p")
    .argument("<target>", target)
    .argument("[line...]", 'such as info registers, or "x /16xw 0x20000000"; default: a prompt')
    .option("--cpu <number>", "CPU that it is about; default: the first", cpuNumber)
    .action(does(async () => (await import("./qmp/monitor.ts")).monitor));
}

function withCluster(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig: work on that cluster")
    .option("-n, --namespace <name>", "namespace in the cluster; default: the context's")
    .option("--kubeconfig <file>", "default: KUBECONFIG, or ~/.kube/config");
}

function withFarm(command: Command): Command {
  return withCluster(command)
    .option("--farm <url>", "URL of the farm; default: the one that is up on this machine")
    .option("--token-file <file>", "file with the farm's token")
    .option("--data <folder>", "folder of the farm on this machine");
}

function isCommanderError(error: unknown): error is Error & { exitCode: number } {
  return (
    error instanceof Error && "exitCode" in error && "code" in error && String(error.code).startsWith("commander.")
  );
}

function durationText(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a number and a unit of ms, s, m, h or d, such as 90s.");
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}

const exitCodeNumber = (text: string) => wholeNumber(text, 0, 255);
const cpuNumber = (text: string) => wholeNumber(text, 0, 255);
const portNumber = (text: string) => wholeNumber(text, 0, 65_535);
const countOfChanges = (text: string) => wholeNumber(text, 1, 1_000_000_000);
const positiveNumber = (text: string) => wholeNumber(text, 1, 10_000);
const collected = (text: string, previous: string[] | undefined) => [...(previous ?? []), text];
