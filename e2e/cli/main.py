"""The command ``concierge-e2e``. Commands are imported when they are called, so that ``--help`` stays quick."""

import importlib
import sys

import click

from e2e import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("e2e.cli.run:run", "Boot fresh concierges and prove that they can act."),
    "doctor": ("e2e.cli.doctor:doctor", "Examine what a run needs, before anything is created."),
    "plan": ("e2e.cli.plan:plan", "Say what a run would create, call and wait for; touches nothing."),
    "inspect": ("e2e.cli.inspect:inspect", "Look once at a concierge that is there already."),
    "lint": ("e2e.cli.lint:lint", "Check scenario files; all errors at once."),
    "contract": ("e2e.cli.contract:contract", "Check the delivery contract."),
    "faults": ("e2e.cli.faults:faults", "List the causes: what they mean and whose problem they are."),
    "twin": ("e2e.cli.twin:twin", "Serve the embedded staging in the foreground."),
}
"""Every command: where it lives, and its line in the help."""


_INTERRUPTED = 130


class LazyCommands(click.Group):
    """Lists every command without importing any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of :data:`COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, or return None so that click says there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: concierge-e2e run scenarios/fresh_boot.yaml --target local",
)
@click.version_option(__version__, prog_name="concierge-e2e")
def concierge_e2e() -> None:
    """Boot a fresh SaaS concierge, look inside, and prove that it can really create a workspace."""


def main() -> None:
    """Run the command line; usage errors end with 2, Ctrl-C with 130."""
    try:
        code = concierge_e2e.main(prog_name="concierge-e2e", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        sys.stderr.write("interrupted\n")
        code = _INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
