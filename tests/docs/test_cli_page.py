"""docs/cli.md names every command, option, variable and exit code, and its JSON examples are what is printed."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator

import click
import pytest

from chatkeep import errors, settings
from chatkeep.cli import exit_codes
from chatkeep.cli.groups import SHARED_OPTIONS
from chatkeep.cli.program import program
from tests.style.tree import REPO

PAGE = (REPO / "docs" / "cli.md").read_text("utf-8")
SHARED = {name for option in SHARED_OPTIONS for name in option.opts}


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield f"{path} {name}", found
        if isinstance(found, click.Group):
            yield from commands(found, f"{path} {name}")


COMMANDS = list(commands(program, "chatkeep"))
HEADINGS = {match[1]: match.end() for match in re.finditer(r"^### (chatkeep.*)$", PAGE, re.MULTILINE)}


def section(path: str) -> str:
    start = HEADINGS[path]
    end = re.compile(r"^#{2,3} ", re.MULTILINE).search(PAGE, start)
    return PAGE[start : end.start() if end else len(PAGE)]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_every_command_and_option_is_documented(path: str, command: click.Command) -> None:
    assert path in HEADINGS, f"docs/cli.md has no heading '### {path}'"
    for option in command.params:
        for name in option.opts if isinstance(option, click.Option) else ():
            if name not in SHARED:
                assert re.search(rf"`{re.escape(name)}[` ]", section(path)), f"{path} {name} is not in its section"


def test_nothing_is_documented_that_is_not_there() -> None:
    assert set(HEADINGS) == {path for path, _ in COMMANDS}
    known = {name for _, command in COMMANDS for option in command.params for name in option.opts}
    documented = set(re.findall(r"^\| `(?:-\w \w+`, `)?(--[a-z-]+)", PAGE, re.MULTILINE))
    assert documented <= known | {"--help"}


def test_shared_options_and_variables_are_documented() -> None:
    words = [*SHARED, "--version"]
    assert [name for name in words if f"{name}`" not in PAGE and f"`{name} " not in PAGE] == []
    assert [name for name in settings.NAMES if f"| `{name}` |" not in PAGE] == []


def test_every_error_stands_beside_its_exit_code() -> None:
    rows = dict(re.findall(r"^\| (\d+) \|(.*)$", PAGE, re.MULTILINE))
    classes = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, errors.ChatkeepError)]
    for cls in classes:
        code = exit_codes.exit_code(cls.__new__(cls))
        assert f"`{cls.code}`" in rows.get(str(code), ""), f"{cls.code} belongs to the row of exit code {code}"
    used = {*exit_codes.TABLE.values(), 0, 1, 2, exit_codes.BUG, exit_codes.INTERRUPTED, exit_codes.BROKEN_PIPE}
    assert {int(code) for code in rows} == used


def test_the_page_of_errors_says_the_same_exit_codes() -> None:
    page = (REPO / "docs" / "errors.md").read_text("utf-8")
    for cls in vars(errors).values():
        if inspect.isclass(cls) and issubclass(cls, errors.ChatkeepError):
            row = next(line for line in page.splitlines() if line.startswith(f"| `{cls.code}` |"))
            assert f"| {exit_codes.exit_code(cls.__new__(cls))} |" in row, cls.code


def test_examples_are_json() -> None:
    examples = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

    assert len(examples) >= 15
    for example in examples:
        json.loads(example)
