"""What all commands have in common: where options stand, what goes where, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import chatkeep
from chatkeep.cli.program import SECTIONS
from tests.interface.conftest import Run

Ids = dict[str, str]

PROGRAM = [sys.executable, "-m", "chatkeep"]


def test_global_options_stand_before_or_after_the_command(cli: Run, ids: Ids, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with chatkeep.open(other) as keep:
        keep.conversations.create(title="elsewhere")

    for arguments in (
        ("--home", other, "--json", "list"),
        ("list", "--home", other, "--json"),
        ("--json", "list", "--home", other),
    ):
        assert [row["title"] for row in cli(*arguments).json["conversations"]] == ["elsewhere"]


def test_the_option_wins_over_the_environment_and_the_later_over_the_earlier(cli: Run, tmp_path: Path) -> None:
    found = cli("--home", tmp_path / "a", "where", "--home", tmp_path / "b", "--json").json

    assert found["directory"] == str(tmp_path / "b")


def test_data_goes_to_stdout_and_talk_to_stderr(cli: Run, ids: Ids) -> None:
    renamed = cli("rename", ids["bread"], "Loaf")
    listed = cli("list")

    assert renamed.out == ""
    assert "renamed: Loaf" in renamed.err
    assert "Loaf" in listed.out
    assert listed.err == ""


def test_quiet_silences_talk_but_no_data_and_no_errors(cli: Run, ids: Ids) -> None:
    assert cli("-q", "rename", ids["bread"], "Loaf").err == ""
    assert "Loaf" in cli("list", "-q").out
    assert cli("show", "nope", "-q", code=21).err != ""


def test_errors_are_json_when_asked_for(cli: Run) -> None:
    for arguments in (("nonsense", "--json"), ("--json", "list", "--limit", "none"), ("show", "--json")):
        ran = cli(*arguments, code=2)
        assert ran.out == ""
        assert ran.error["code"] == "usage.invalid"
        assert ran.error["message"]


def test_a_mistyped_command_is_told_which_one_may_be_meant(cli: Run) -> None:
    assert "did you mean list" in cli("lst", code=2).err


@pytest.mark.parametrize("line", [(), ("trash",), ("branch",)])
def test_a_family_without_a_command_shows_its_help_and_nothing_else(cli: Run, line: tuple[str, ...]) -> None:
    """It was wrapped in an error: its first line said `chatkeep: Usage:`, and its last ones were its first again."""
    told = cli(*line, code=2).err

    assert told.startswith("Usage: chatkeep")
    assert told.count("Usage:") == 1


def test_an_empty_home_is_refused(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--home "$UNSET"` would put the chats into whatever directory a script happens to run in."""
    monkeypatch.chdir(tmp_path)

    assert "--home" in cli("--home", "", "projects", "create", "Tea", code=2).err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("query", [("tea", "-green"), ("-role:user",), ("-x", "tea")])
def test_a_minus_that_looks_like_an_option_is_explained(cli: Run, query: tuple[str, ...]) -> None:
    told = cli("search", *query, code=2).err

    assert "No such option" in told
    assert "chatkeep search --" in told
    assert "nothing found" in cli("search", "--", *query).err


def test_a_bad_setting_names_its_variable(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")

    assert "LOG_LEVEL" in cli("list", code=10).err


def test_text_from_chats_steers_no_terminal(cli: Run, ids: Ids) -> None:
    for arguments in (
        ("list",),
        ("list", "--json"),
        ("show", ids["odd"]),
        ("show", ids["odd"], "--raw"),
        ("show", ids["odd"], "--json"),
        ("search", "before after"),
        ("search", "before", "--json"),
        ("branch", "list", ids["odd"]),
        ("pin", ids["odd"]),
        ("pin", ids["odd"], "--json"),
        ("rename", ids["odd"], "\x1b[2J\x9b"),
    ):
        ran = cli(*arguments)
        assert not set(ran.out + ran.err) & set("\x1b\x9b\x07\u202e"), arguments
        assert "[red]" in ran.out + ran.err or "before" in ran.out + ran.err or "␛" in ran.out + ran.err


def test_json_keeps_the_text_as_it_is(cli: Run, ids: Ids) -> None:
    assert cli("show", ids["odd"], "--json").json["messages"][0]["parts"][0]["text"] == (
        "before \x1b[2J\x9b1m after \u202egpj.exe"
    )


def test_errors_that_quote_what_was_typed_steer_no_terminal(cli: Run) -> None:
    for arguments in (("show", "\x1b]0;x\x07"), ("\x1b[2J",), ("import", "\x1b[2Jx.json")):
        assert not set(cli(*arguments, code=None).err) & set("\x1b\x07")


def test_a_bug_is_told_as_one_and_has_its_exit_code(cli: Run, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise KeyError("dear diary")

    monkeypatch.setattr("chatkeep.keep.Keep.stats", broken)

    ran = cli("stats", "--json", code=70)
    assert ran.error["code"] == "chatkeep.bug"
    assert "diary" not in ran.err
    assert "Traceback" in cli("stats", "-vv", code=70).err


def test_failures_are_logged_without_their_text(
    cli: Run, ids: Ids, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object) -> None:
        raise KeyError("dear diary")

    monkeypatch.setattr("chatkeep.keep.Keep.stats", broken)
    cli("stats", code=70)

    log = (place / "logs" / "chatkeep.log").read_text()
    assert "ERROR" in log
    assert "KeyError" in log
    assert "diary" not in log


@contextmanager
def process(
    place: Path, *arguments: str, stdin: int | None = None, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    environ = os.environ | {"CHATKEEP_HOME": str(place)}
    line = [*PROGRAM, *arguments]
    with subprocess.Popen(line, env=environ, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE) as started:
        try:
            yield started
        finally:
            started.kill()


def test_the_program_runs_as_a_module(place: Path, ids: Ids) -> None:
    with process(place, "list", "--json") as started:
        out, err = started.communicate(timeout=60)

    assert (started.returncode, err) == (0, b"")
    assert len(json.loads(out)["conversations"]) == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise here")
def test_a_broken_pipe_is_silent(place: Path, ids: Ids) -> None:
    with chatkeep.open(place) as keep:
        for number in range(300):
            keep.messages.append(ids["bread"], "user", f"{number} " + "x" * 1000)
    reading, writing = os.pipe()
    os.close(reading)
    with process(place, "show", ids["bread"], "--json", stdout=writing) as started:
        os.close(writing)
        _, err = started.communicate(timeout=60)

    assert (started.returncode, err) == (141, b"")


@pytest.mark.skipif(os.name != "posix", reason="signals are sent otherwise here")
def test_ctrl_c_ends_with_130(place: Path) -> None:
    reading, writing = os.pipe()
    with process(place, "-v", "import", "-", stdin=reading) as started:
        os.close(reading)
        # It has begun to read from the pipe once the pipe takes more than it holds.
        os.write(writing, b"x" * 65536)
        os.write(writing, b"x" * 65536)
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=60)
    os.close(writing)

    assert started.returncode == 130
    assert b"Traceback" not in err


def test_odd_locales_crash_nothing(place: Path, ids: Ids) -> None:
    with chatkeep.open(place) as keep:
        keep.conversations.rename(ids["bread"], "茶")
    environ = os.environ | {"CHATKEEP_HOME": str(place), "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([*PROGRAM, "list"], env=environ, capture_output=True, timeout=60, check=False)

    assert ran.returncode == 0
    assert b"?" in ran.stdout


def test_help_loads_no_store_and_no_rich(tmp_path: Path) -> None:
    """Cold start: help for scripts and completion costs what click costs."""
    code = (
        "import sys\nfrom chatkeep.cli.entry import run\nassert run(['--help']) == 0\n"
        "heavy = {'apsw', 'msgspec', 'rich', 'rich_click', 'chatkeep.store', 'chatkeep.formats'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stderr


def test_lists_load_no_formats_and_no_rich(place: Path, ids: Ids) -> None:
    code = (
        "import sys\nfrom chatkeep.cli.entry import run\nassert run(['list']) == 0\n"
        "heavy = {'rich', 'rich_click', 'chatkeep.formats.registry'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environ = os.environ | {"CHATKEEP_HOME": str(place)}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stderr


def test_every_command_loads_and_its_help_begins_as_the_list_says(cli: Run) -> None:
    from chatkeep.cli.program import program

    for _, rows in SECTIONS:
        for name, _, line in rows:
            found = program.get_command(None, name)  # type: ignore[arg-type]  # the group asks nothing of its context
            assert found is not None
            assert found.name == name
            help_line = (found.help or "").split("\n\n")[0].replace("\n", " ").strip()
            assert help_line.startswith(line.rstrip(".")), (name, help_line, line)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("chatkeep sea", "plain,search"),
        ("chatkeep trash re", "plain,restore"),
        ("chatkeep export --qu", "plain,--query"),
        ("chatkeep export --to mark", "plain,markdown"),
        ("chatkeep import --as chatg", "plain,chatgpt"),
    ],
)
def test_the_shell_completes_commands_options_and_formats(typed: str, offered: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    environ = os.environ | {"_CHATKEEP_COMPLETE": "bash_complete"} | words
    ran = subprocess.run(PROGRAM, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert offered in ran.stdout.splitlines()


def _redirected(place: Path, redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    script = f'exec "$@" {redirection}'
    environ = os.environ | {"CHATKEEP_HOME": str(place)}
    line = ["sh", "-c", script, "sh", *PROGRAM, *arguments]
    return subprocess.run(line, env=environ, capture_output=True, timeout=60, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full here")
def test_output_that_cannot_be_written_is_an_error_and_no_bug(place: Path) -> None:
    ran = _redirected(place, ">/dev/full", "version")

    assert ran.returncode == 9
    assert b"No space left" in ran.stderr
    assert b"bug" not in ran.stderr
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="streams are closed otherwise here")
@pytest.mark.parametrize(
    ("closed", "line", "code"),
    [
        (">&-", ("list",), 0),
        ("2>&-", ("show", "nosuch"), 21),
        ("<&-", ("purge", "bread"), 2),
        ("<&- >&- 2>&-", ("list",), 0),
    ],
)
def test_a_closed_stream_crashes_nothing(place: Path, ids: Ids, closed: str, line: tuple[str, ...], code: int) -> None:
    """Programs that are started by daemons have none; and the database must not become their stream number one."""
    ran = _redirected(place, closed, *(ids.get(word, word) for word in line))

    assert (ran.returncode, b"bug" in ran.stderr, b"Traceback" in ran.stderr) == (code, False, False)


HALF = "\udcff"
"""A byte of a file name that is no UTF-8, as Python spells it."""


@pytest.mark.skipif(sys.platform != "linux", reason="names are text here")
def test_names_that_are_no_text_are_told_and_crash_nothing(cli: Run, tmp_path: Path) -> None:
    cli("import", tmp_path / HALF, code=53)
    assert cli("--json", "import", tmp_path / HALF, code=53).error["code"] == "formats.unreadable"
    assert cli("--json", "--home", tmp_path / HALF, "where").json["directory"] == str(tmp_path / "\ufffd")

    refused = cli("--home", tmp_path / HALF, "projects", "create", "x", code=11)

    assert "not UTF-8" in refused.err
    assert not (tmp_path / HALF).exists()


def test_a_tilde_that_is_nobodys_home_is_a_part_of_the_name(
    cli: Run, ids: Ids, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "~nobody-of-this-name.jsonl"

    cli("export", "--all", "--to", "chatkeep", "-o", name)
    cli("import", "--dry-run", name)
    assert "no home directory" in cli("--home", "~nobody-of-this-name/x", "list", code=2).err
    assert (tmp_path / name).is_file()


def test_a_place_that_cannot_be_looked_into_is_said_and_no_bug(cli: Run, tmp_path: Path) -> None:
    """A directory of another user is one, too, but not for whoever may do anything."""
    for place in (tmp_path / ("n" * 300), tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        assert "cannot look into" in cli("--home", place, "list", code=11).err
        assert "cannot make" in cli("--home", place, "projects", "create", "x", code=11).err
        assert cli("--home", place, "--json", "where").json["exists"] is None
        assert cli("--home", place, "--json", "doctor", code=1).json["level"] == "problem"


def test_a_title_passes_for_no_line_of_ours(cli: Run, ids: Ids, keep: chatkeep.Keep) -> None:
    keep.conversations.rename(ids["bread"], "Bread\nremoved for ever: 2 conversations")

    assert cli("pin", ids["bread"]).err.count("\n") == 1
