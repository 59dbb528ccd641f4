from __future__ import annotations

import pytest

from chatkeep.errors import InstanceError
from chatkeep.instances import checked_app_id, cleaned_name, development, qa_channel


def test_development_instances_are_named_after_the_app() -> None:
    assert qa_channel("sh.chorus.app") == "sh.chorus.app.qa"
    assert development("chatkeep") == "chatkeep.dev"
    assert development("chatkeep", "blue") == "chatkeep.dev.blue"


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [("my branch", "my_branch"), ("a/../b", "a____b"), ("größe", "gr__e"), ("Ok-1_x", "Ok-1_x"), ("a.b", "a_b")],
)
def test_characters_outside_the_allowed_become_underscores(name: str, cleaned: str) -> None:
    assert cleaned_name(name) == cleaned
    assert development("chatkeep", name) == f"chatkeep.dev.{cleaned}"


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(InstanceError):
        development("chatkeep", "")


@pytest.mark.parametrize("app_id", ["chatkeep", "sh.chorus.app.dev.blue_1", "My App", "x"])
def test_app_ids_that_can_name_a_directory_pass(app_id: str) -> None:
    assert checked_app_id(app_id) == app_id


@pytest.mark.parametrize(
    "app_id",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "/etc",
        "a\0b",
        "C:",
        "a\n",
        "dot.",
        "space ",
        "x" * 201,
        "NUL",
        "com1.x",
    ],
)
def test_app_ids_that_are_paths_or_devices_are_refused(app_id: str) -> None:
    """An app id may come from a configuration file: it must never lead out of the data directory."""
    with pytest.raises(InstanceError):
        checked_app_id(app_id)
