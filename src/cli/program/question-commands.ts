import { type Command, Option } from "commander";
import { type Does, withFarm } from "./farm-command.ts";

/** What is there, and how it stands. */
export function addQuestions(program: Command, does: Does): void {
  const boards = withFarm(program.command("boards")).description("the boards, and whether they can run here");
  boards
    .option("--json", "print JSON")
    // Told in our words, with what may have been meant.
    .allowExcessArguments()
    .action(does(async () => (await import("../command/boards.ts")).boards));
  withFarm(boards.command("add"))
    .description("add a board to the farm, or replace it")
    .argument("<file>", "YAML file of the board")
    .action(does(async () => (await import("../command/boards.ts")).addBoard));
  withFarm(boards.command("remove"))
    .description("remove a board that was added to the farm")
    .argument("<name>", "name of the board")
    .action(does(async () => (await import("../command/boards.ts")).removeBoard));
  withFarm(boards.command("check"))
    .description("check a board's file, or each in a folder, and whether it can run here")
    .argument("<file>", "YAML file of the board, or folder")
    .action(does(async () => (await import("../command/boards.ts")).checkBoards));
  withFarm(program.command("logs"))
    .description("what the guest of a job, or of an instance, wrote on a UART")
    .argument("<target>", "id of the job, or name of the instance (NAME or emu/NAME), here or in a cluster")
    .argument("[uart]", "name of the UART; default: the board's console")
    .option("-f, --follow", "go on until the job has finished, or the instance is deleted")
    .action(does(async () => (await import("../command/logs.ts")).logs));
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
    .action(does(async () => (await import("../command/get.ts")).get));
  withFarm(program.command("describe"))
    .description("all that is known about a job, a run, a board, an instance or an object of a cluster")
    .argument("<what>", "id of a job or run, or name of a board or instance; emu/NAME, emupool/NAME, brd/NAME")
    .argument("[name]", "name of an object, where what is a kind")
    .option("--json", "print JSON")
    .action(does(async () => (await import("../command/describe.ts")).describe));
  withFarm(program.command("cancel"))
    .description("cancel a job or a whole run")
    .argument("<id>", "id of the job or run")
    .option("--reason <text>", "why, for the report", "by hand")
    .option("--json", "print JSON")
    .action(does(async () => (await import("../command/cancel.ts")).cancel));
  withFarm(program.command("junit"))
    .description("the JUnit report of a run")
    .argument("<run>", "id of the run")
    .option("-o, --output <file>", "write to this file; default: standard output")
    .action(does(async () => (await import("../command/junit.ts")).junit));
  withFarm(program.command("doctor"))
    .description("check what this machine, or a cluster, has for running firmware, and say what to do")
    .option("--json", "print JSON")
    .option("--probe-network", "on a cluster: find out whether network policies are enforced, by a pod that dials")
    .action(does(async () => (await import("../command/doctor.ts")).doctor));
  program
    .command("completion")
    .description("print the completion script of a shell: source <(emufarm completion bash)")
    .argument("<shell>", "bash, zsh or fish")
    .argument("[words...]", "with words for a shell: the command line so far, which its script asks about")
    .action(does(async () => (await import("../command/completion.ts")).completion));
}
