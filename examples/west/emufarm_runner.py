"""A west runner: `west flash --runner emufarm` (or `west simulate`) runs zephyr.elf on an emulated board.

Put this file into a module's `boards/` or next to Zephyr's own runners, and name it in the board's `board.cmake`:

    board_set_flasher_ifnset(emufarm)
    board_runner_args(emufarm "--emufarm-board=mps2-an385")
"""

from runners.core import RunnerCaps, ZephyrBinaryRunner


class EmufarmBinaryRunner(ZephyrBinaryRunner):
    """Runs the application on a board of emufarm; the UART comes to the terminal."""

    def __init__(self, cfg, board, timeout, options):
        super().__init__(cfg)
        self.board = board
        self.timeout = timeout
        self.options = options

    @classmethod
    def name(cls):
        return "emufarm"

    @classmethod
    def capabilities(cls):
        return RunnerCaps(commands={"flash", "simulate"})

    @classmethod
    def do_add_parser(cls, parser):
        parser.add_argument("--emufarm-board", required=True, help="name of the board, or path of its YAML file")
        parser.add_argument("--emufarm-timeout", default="60s", help="deadline, such as 60s")
        parser.add_argument("--emufarm-option", action="append", default=[], help="one more option of emufarm run")

    @classmethod
    def do_create(cls, cfg, args):
        return cls(cfg, args.emufarm_board, args.emufarm_timeout, args.emufarm_option)

    def do_run(self, command, **kwargs):
        self.require("emufarm")
        # Zephyr's ztest says this when all its suites have passed; a failed one says "PROJECT EXECUTION FAILED".
        verdict = ["--fail-text", "PROJECT EXECUTION FAILED"] if command == "simulate" else []
        self.check_call(
            ["emufarm", "run", self.board, self.cfg.elf_file, "--timeout", self.timeout, *verdict, *self.options]
        )
