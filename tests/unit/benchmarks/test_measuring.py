from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.measuring import (
    best_of_turns,
    in_child,
    median,
    peak_memory_bytes,
    quantile,
    ratio,
    shuffled_rounds,
    sync_floor_s,
    timed,
)


@pytest.mark.parametrize(("values", "middle"), [([3.0], 3.0), ([5.0, 1.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 3.0], 2.5)])
def test_the_median_is_the_middle(values: list[float], middle: float) -> None:
    assert median(values) == middle


def test_what_was_not_measured_is_no_number() -> None:
    """A zero would look like a result."""
    assert math.isnan(median([]))
    assert math.isnan(quantile([], 0.5))
    assert math.isnan(ratio([], [1.0]))
    assert math.isnan(ratio([1.0], [0.0]))


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_quantile_is_a_value_that_occurred(share: float, value: float) -> None:
    assert quantile([float(n) for n in range(100, 0, -1)], share) == value


def test_a_ratio_compares_medians_not_means() -> None:
    """One disturbed round must not decide."""
    assert ratio([2.0, 2.0, 900.0], [1.0, 1.0, 1.0]) == 2.0


def test_every_contender_has_its_turn_in_every_round() -> None:
    turns = list(shuffled_rounds("abc", 40))

    assert len(turns) == 120
    assert all(sorted(turns[start : start + 3]) == ["a", "b", "c"] for start in range(0, 120, 3))
    assert len({tuple(turns[start : start + 3]) for start in range(0, 120, 3)}) > 1


def test_turns_call_each_work_as_often_as_asked() -> None:
    calls: Counter[str] = Counter()
    works = [lambda name=name: calls.update([name]) for name in "xy"]

    figures = best_of_turns(works, rounds=3, repeats=4)

    assert calls == {"x": 12, "y": 12}
    assert [len(times) for times in figures] == [3, 3]
    assert all(seconds >= 0 for times in figures for seconds in times)


def test_time_memory_and_the_disk_are_measured_at_all(tmp_path: Path) -> None:
    assert timed(lambda: sum(range(1000))) > 0
    assert peak_memory_bytes() > 1_000_000
    assert sync_floor_s(tmp_path, count=5) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_fails_is_no_result(tmp_path: Path) -> None:
    """An import that broke off early would look fast."""
    with pytest.raises(RuntimeError, match="ended early"):
        in_child("import", source=str(tmp_path / "absent.json"), directory=str(tmp_path / "store"))
