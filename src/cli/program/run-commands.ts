import { type Command, Option } from "commander";
import { EXIT } from "../exit-code.ts";
import { collected, durationText, exitCodeNumber, portNumber, positiveNumber, someText } from "./argument-parsers.ts";
import { type Does, withFarm } from "./farm-command.ts";

/** One firmware. */
export function addRun(program: Command, does: Does): void {
  withFarm(program.command("run"))
    .description("run one firmware on a board: UART to standard output, the farm's words to standard error")
    .argument("<board>", "name of a board, path of its YAML file, or a folder with wokwi.toml and diagram.json")
    .argument("[image]", "ELF or raw image, a Linux kernel, or a folder with wokwi.toml")
    .option("-i, --interactive", "connect standard input to the UART (Ctrl-A x ends)")
    .option("--uart <name>", "UART to show; default: the board's console")
    .option("--expect-text <text>", "pass when this text appears", someText)
    .option("--fail-text <text>", "fail when this text appears", someText)
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
    .action(does(async () => (await import("../run/run.ts")).run));
}

/** The farm on this machine, and many tests at once. */
export function addFarmCommands(program: Command, does: Does): void {
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
    .action(does(async () => (await import("../up/up.ts")).up));
  program
    .command("down")
    .description("end the farm on this machine, as Ctrl-C does where it runs")
    .option("--data <folder>", "the farm's folder")
    .action(does(async () => (await import("../up/down.ts")).down));
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
    .action(does(async () => (await import("../test/test.ts")).test));
}
