import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { EXIT } from "../exit-code.ts";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";

const COMMANDS = "run up test boards console logs get describe cancel junit doctor completion";
const RUN_OPTIONS =
  "--interactive --uart --expect-text --fail-text --scenario --timeout --timeout-exit-code --exit-code --serial-log-file --on-reset --kernel-append --initrd --dtb --watch --no-farm --json";
const TEST_OPTIONS = "--shard --only --repeat --jobs --junit --json";
const UP_OPTIONS = "--data --port --slots --agents --boards --examples --json";

const SCRIPTS: Record<string, string> = {
  bash: `_emufarm() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${COMMANDS}" -- "$current")); return; fi
  case "\${COMP_WORDS[1]}:$COMP_CWORD:$current" in
    run:*:-*) COMPREPLY=($(compgen -W "${RUN_OPTIONS}" -- "$current")) ;;
    test:*:-*) COMPREPLY=($(compgen -W "${TEST_OPTIONS}" -- "$current")) ;;
    up:*:-*) COMPREPLY=($(compgen -W "${UP_OPTIONS}" -- "$current")) ;;
    run:2:*|describe:2:*) COMPREPLY=($(compgen -W "$(emufarm completion boards 2>/dev/null)" -- "$current")) ;;
    completion:2:*) COMPREPLY=($(compgen -W "bash zsh fish" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _emufarm emufarm
`,
  zsh: `#compdef emufarm
_emufarm() {
  if (( CURRENT == 2 )); then compadd -- ${COMMANDS}; return; fi
  case "$words[2]:$CURRENT:$PREFIX" in
    run:*:-*) compadd -- ${RUN_OPTIONS} ;;
    test:*:-*) compadd -- ${TEST_OPTIONS} ;;
    up:*:-*) compadd -- ${UP_OPTIONS} ;;
    run:3:*|describe:3:*) compadd -- $(emufarm completion boards 2>/dev/null) ;;
    completion:3:*) compadd -- bash zsh fish ;;
    *) _files ;;
  esac
}
compdef _emufarm emufarm
`,
  fish: `complete -c emufarm -n __fish_use_subcommand -f -a "${COMMANDS}"
complete -c emufarm -n "__fish_seen_subcommand_from run describe; and test (count (commandline -opc)) -eq 2" -f -a "(emufarm completion boards 2>/dev/null)"
${fishOptions("run", RUN_OPTIONS)}${fishOptions("test", TEST_OPTIONS)}${fishOptions("up", UP_OPTIONS)}complete -c emufarm -n "__fish_seen_subcommand_from completion" -f -a "bash zsh fish"
`,
};

/** `emufarm completion SHELL`. The scripts ask for the names of boards, which come one a line. */
export async function completion(surroundings: Surroundings, shell: string): Promise<number> {
  const { stdout } = surroundings;
  const script = shell === "boards" ? `${(await boardNames(surroundings)).join("\n")}\n` : SCRIPTS[shell];
  if (script === undefined) {
    throw new FarmError("InvalidRequest", { problems: `there is no completion for ${shell}: bash, zsh or fish` });
  }
  stdout.write(script);
  return EXIT.passed;
}

/** From the names of the files: a key press cannot wait for each to be read. */
async function boardNames(surroundings: Surroundings): Promise<string[]> {
  const folders = [surroundings.project.boardsFolder, join(farmFolders(surroundings).data, "boards")];
  const names = await Promise.all(
    // A farm that was never up has no folder of its own boards.
    folders.map((folder) => readdir(folder).catch(() => [])),
  );
  const boards = names.flat().filter((name) => name.endsWith(".yaml"));
  return [...new Set(boards.map((name) => name.replace(/\.yaml$/, "")))].sort();
}

function fishOptions(command: string, options: string): string {
  return options
    .split(" ")
    .map((option) => `complete -c emufarm -n "__fish_seen_subcommand_from ${command}" -l ${option.slice(2)}\n`)
    .join("");
}
