"""The command `vigil`: finds each command's file when it is called, and turns known troubles into two lines and an exit status."""

import sys
from importlib import import_module

import click

COMMANDS = (
    "up", "down", "status", "listen", "work", "page", "board", "triton", "send", "parse", "score", "simulate", "replay", "audit",
    "explain", "oncall", "rrt", "policy", "quarantine", "identity", "watch", "train", "evaluate", "bench", "doctor", "settings", "catch", "kafka", "postgres",
    "migrate", "backup", "restore", "standby", "promote", "drill", "skip", "feed", "codes",
    "model",
)  # fmt: skip
"""Each is `command` in `infra/main/<name>.py`; a file that is not there is a command that does not exist."""

GOOD, NO, WRONG_INPUT, NOT_THERE, INTERRUPTED = 0, 1, 2, 3, 130


class Trouble(click.ClickException):
    """What is wrong, and on a second line what to do; `exit_code` as the contracts say."""

    def __init__(self, wrong: str, remedy: str, exit_code: int = WRONG_INPUT) -> None:
        super().__init__(f"{wrong}\n{remedy}")
        self.exit_code = exit_code

    def show(self, file: object = None) -> None:
        """Two lines on stderr."""
        click.echo(self.format_message(), file=None, err=True)


class Commands(click.Group):
    """Imports a command's file only when that command is asked for, so that `vigil --help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if self.get_command(ctx, name) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"infra.main.{cmd_name}"
        try:
            command: click.Command = import_module(module).command
        except ModuleNotFoundError as error:
            if error.name == module:
                return None
            raise
        return command


@click.command(cls=Commands, name="vigil", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vigil")
def vigil() -> None:
    """Watches every inpatient of a hospital in real time: HL7 v2 in, a page to the right clinician out."""


def main() -> None:
    """The console script: errors are two lines on stderr, statuses are those of the contracts."""
    try:
        sys.exit(vigil(prog_name="vigil", standalone_mode=False) or GOOD)
    except Trouble as trouble:
        trouble.show()
        sys.exit(trouble.exit_code)
    except click.UsageError as usage:
        path = usage.ctx.command_path if usage.ctx else "vigil"
        click.echo(f"{usage.format_message()}\nread how it is used: {path} --help", err=True)
        sys.exit(WRONG_INPUT)
    except click.Abort:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
