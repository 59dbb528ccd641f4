"""What holds for every test: no network, a home directory of its own, examples that are the same on every run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import network_guard

# `HYPOTHESIS_PROFILE=deep make test` searches further, with new examples each time.
settings.register_profile("ci", derandomize=True, max_examples=60, stateful_step_count=30, deadline=None, database=None)
settings.register_profile("deep", max_examples=2_000, stateful_step_count=100, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Where each platform lets programs look for a person's files.
_HOME_VARIABLES = {
    "HOME": "",
    "USERPROFILE": "",
    "APPDATA": "AppData/Roaming",
    "LOCALAPPDATA": "AppData/Local",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}


def _move_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    for variable, place in _HOME_VARIABLES.items():
        patch.setenv(variable, str(home / place))
    # Settings of whoever runs the suite; `CHATKEEP_TEST_...` is for the suite itself, e.g. which server to use.
    for variable in [name for name in os.environ if name.startswith("CHATKEEP_")]:
        if not variable.startswith("CHATKEEP_TEST_"):
            patch.delenv(variable)


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        network_guard.install(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Fixtures that outlive a test run before `home` does, and must not see the real one either.
    with pytest.MonkeyPatch.context() as patch:
        _move_home(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def home(_session_home: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home directory for one test, which every environment variable names; processes inherit it."""
    place = tmp_path_factory.mktemp("home")
    _move_home(monkeypatch, place)
    return place
