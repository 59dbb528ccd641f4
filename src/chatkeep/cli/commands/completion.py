"""``chatkeep completion``."""

from __future__ import annotations

import click

from chatkeep.cli.groups import command
from chatkeep.cli.invocation import Invocation


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(invocation: Invocation, shell: str) -> None:
    """Print a script that completes commands in a shell.

    For bash, put `eval "$(chatkeep completion bash)"` into ~/.bashrc; for zsh the same with zsh into ~/.zshrc; for
    fish, `chatkeep completion fish | source` into ~/.config/fish/config.fish.
    """
    from click.shell_completion import get_completion_class

    from chatkeep.cli.entry import COMPLETION_VARIABLE, PROGRAM_NAME
    from chatkeep.cli.program import program

    made_by = get_completion_class(shell)
    assert made_by is not None, "click knows every shell of the choice"
    completer = made_by(program, {}, PROGRAM_NAME, COMPLETION_VARIABLE)
    # Not `source()`: bash's asks an installed bash for its version, which may not be the one that will run this.
    script = completer.source_template % completer.source_vars()
    if invocation.json:
        invocation.emit({"shell": shell, "script": script})
    else:
        invocation.write(script)
