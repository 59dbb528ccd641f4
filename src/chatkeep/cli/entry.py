"""The outermost frame: runs a command line and turns whatever happens into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from chatkeep.cli import exit_codes
from chatkeep.cli.invocation import Invocation
from chatkeep.cli.program import program
from chatkeep.cli.terminal import clean, clean_json, encoded_json
from chatkeep.errors import ChatkeepError, UsageError

PROGRAM_NAME = "chatkeep"
COMPLETION_VARIABLE = "_CHATKEEP_COMPLETE"


def run(arguments: Sequence[str]) -> int:
    """Run one command line to its end.

    Returns:
        The exit code; ``docs/cli.md`` says what each means. Errors have been told on stderr.
    """
    _have_streams()
    _survive_odd_characters()
    invocation = Invocation()
    # `--json` may stand after what is wrong with the line.
    wants_json = "--json" in arguments
    try:
        code = _invoked(arguments, invocation)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except ChatkeepError as error:
        code = exit_codes.exit_code(error)
        _tell(error.code, str(error), vars(error), as_json=wants_json)
    except click.exceptions.NoArgsIsHelpError as error:
        code = exit_codes.USAGE
        _quietly_say(error.format_message())
    except click.ClickException as error:
        code = exit_codes.USAGE
        _tell(UsageError.code, _usage_text(error, as_json=wants_json), {}, as_json=wants_json)
    except (click.Abort, KeyboardInterrupt):
        code = exit_codes.INTERRUPTED
        _quietly_say("\nstopped")
    except BrokenPipeError:
        _forget_stdout()
        code = exit_codes.BROKEN_PIPE
    except OSError as error:
        # Mostly standard output itself, e.g. on a full disk; then it must not be tried again at the end.
        _forget_stdout()
        code = exit_codes.exit_code(ChatkeepError())
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        _tell(ChatkeepError.code, f"the system refused: {place}{error.strerror or error}", {}, as_json=wants_json)
        _trace(error, invocation)
    except Exception as error:  # noqa: BLE001 - the outermost frame: a bug is told, logged, and has its own exit code
        code = exit_codes.BUG
        _tell_bug(error, invocation, as_json=wants_json)
    return code


def _invoked(arguments: Sequence[str], invocation: Invocation) -> int:
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(program, {}, PROGRAM_NAME, COMPLETION_VARIABLE, instruction)
    # Not `program.main`: it would take Ctrl-C and broken pipes for itself.
    with program.make_context(PROGRAM_NAME, list(arguments), obj=invocation) as context:
        result = program.invoke(context)
    return result if isinstance(result, int) else exit_codes.DONE


def _have_streams() -> None:
    """A program started with a closed stream has None there; and the next file opened would take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the end


def _survive_odd_characters() -> None:
    """A terminal or pipe that cannot show a character gets a stand-in, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _usage_text(error: click.ClickException, *, as_json: bool) -> str:
    text = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None or as_json:
        return text
    return f"{text}\n{context.get_usage()}\nhelp: {context.command_path} --help"


def _tell(code: str, message: str, details: dict[str, object], *, as_json: bool) -> None:
    with suppress(OSError):
        if not as_json:
            sys.stderr.write(f"chatkeep: {clean(message)}\n")
            return
        shown = {name: value for name, value in details.items() if isinstance(value, str | int | tuple | None)}
        document = encoded_json({"error": {"code": code, "message": message, **shown}})
        sys.stderr.write(clean_json(document.decode()) + "\n")


def _tell_bug(error: Exception, invocation: Invocation, *, as_json: bool) -> None:
    name = type(error).__name__
    text = f"{name}: {error}" if invocation.verbosity else name
    _tell("chatkeep.bug", f"this is a bug of Chatkeep ({text}): please report it; -vv shows more", {}, as_json=as_json)
    _trace(error, invocation)


def _trace(error: Exception, invocation: Invocation) -> None:
    if invocation.verbosity > 1:
        import traceback

        _quietly_say("".join(traceback.format_exception(error)))


def _quietly_say(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(clean(text) + "\n")


def _forget_stdout() -> None:
    """Whoever read our output has gone; the interpreter must not stumble over it again while it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
