from __future__ import annotations

from pathlib import Path

import pytest

from chatkeep import settings
from chatkeep.errors import SettingsError
from chatkeep.settings import Settings


def test_nothing_set_gives_the_defaults() -> None:
    assert settings.load({}) == Settings(home=None, log_level="warning", log_dir=None, color=True)


def test_every_variable_is_read() -> None:
    environ = {"CHATKEEP_HOME": "/data/chats", "LOG_LEVEL": "Info", "LOG_DIR": "/var/log/chatkeep", "NO_COLOR": "1"}

    assert settings.load(environ) == Settings(
        home=Path("/data/chats").absolute(), log_level="info", log_dir=Path("/var/log/chatkeep").absolute(), color=False
    )


def test_empty_variables_count_as_not_set() -> None:
    assert settings.load(dict.fromkeys(settings.NAMES, "")) == Settings()


def test_paths_are_made_absolute_and_the_tilde_is_expanded(home: Path) -> None:
    assert settings.load({"CHATKEEP_HOME": "~/chats"}).home == home / "chats"
    assert settings.load({"CHATKEEP_HOME": "chats"}).home == Path.cwd() / "chats"


@pytest.mark.parametrize(("name", "value"), [("LOG_LEVEL", "loud"), ("CHATKEEP_HOME", "a\0b"), ("LOG_DIR", "\0")])
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings.load({name: value})


def test_other_names_for_levels_are_understood() -> None:
    assert settings.load({"LOG_LEVEL": "WARN"}).log_level == "warning"
    assert settings.load({"LOG_LEVEL": "off"}).log_level == "off"


def test_an_env_file_is_read_below_the_environment(tmp_path: Path) -> None:
    env_file = tmp_path / ".env.local"
    env_file.write_text(
        "\ufeff# where chats are\nexport CHATKEEP_HOME='/from file'\nLOG_LEVEL=debug # for now\n"
        'OTHER_SECRET="x"\nLOG_DIR="/logs"\n\n',
        "utf-8",
    )

    found = settings.load({"LOG_LEVEL": "error"}, env_file=env_file)

    assert found == Settings(home=Path("/from file"), log_level="error", log_dir=Path("/logs"))


def test_a_missing_env_file_is_no_error(tmp_path: Path) -> None:
    assert settings.load({}, env_file=tmp_path / ".env.local") == Settings()


def test_a_bad_line_of_an_env_file_is_told_by_its_number_only(tmp_path: Path) -> None:
    """The line may hold another program's secret."""
    env_file = tmp_path / ".env.local"
    env_file.write_text("LOG_LEVEL=info\nsk-very-secret\n")

    with pytest.raises(SettingsError, match="line 2") as caught:
        settings.load({}, env_file=env_file)
    assert "secret" not in str(caught.value)


def test_an_env_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    env_file = tmp_path / ".env.local"
    env_file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match=r"\.env\.local"):
        settings.load({}, env_file=env_file)
