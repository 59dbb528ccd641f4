"""What the page on streaming shows is what happens."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import ROOT

PAGE = "docs/streaming.md"


def test_every_example_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / PAGE).read_text("utf-8")
    examples = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(examples) == text.count("```python")
    names: dict[str, Any] = {}

    for code, printed in examples:
        out = io.StringIO()
        with redirect_stdout(out):
            exec(compile(code, PAGE, "exec"), names)
        assert out.getvalue() == printed
