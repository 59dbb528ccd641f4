"""STYLE, sizes: what does not fit a screen or two has more than one reason to change."""

from __future__ import annotations

import ast

from tests.style.tree import label, parsed, python_files

ROOTS = ("src", "tests", "benchmarks", "scripts")
MODULE_LINES = 400
FUNCTION_LINES = 50


def long_module(name: str, text: str) -> list[str]:
    """A complaint if a module has too many lines."""
    lines = len(text.splitlines())
    return [f"{name}: {lines} lines, {MODULE_LINES} allowed"] if lines > MODULE_LINES else []


def long_functions(name: str, tree: ast.Module) -> list[str]:
    """A complaint for each function with too many lines, from its ``def`` to its end."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                found.append(f"{name}: {node.name} has {lines} lines, {FUNCTION_LINES} allowed")
    return found


def test_no_module_is_too_long() -> None:
    files = python_files(*ROOTS)

    assert [complaint for file in files for complaint in long_module(label(file), file.read_text("utf-8"))] == []


def test_no_function_is_too_long() -> None:
    assert [complaint for name, tree in parsed(ROOTS) for complaint in long_functions(name, tree)] == []


def test_a_module_of_the_limit_passes_and_one_line_more_is_named() -> None:
    assert long_module("a.py", "x = 1\n" * MODULE_LINES) == []
    assert long_module("a.py", "x = 1\n" * (MODULE_LINES + 1)) == ["a.py: 401 lines, 400 allowed"]


def test_a_long_method_is_named() -> None:
    def source(body_lines: int) -> ast.Module:
        return ast.parse("class A:\n    async def far(self):\n" + "        x = 1\n" * body_lines)

    assert long_functions("a.py", source(FUNCTION_LINES - 1)) == []
    assert long_functions("a.py", source(FUNCTION_LINES)) == ["a.py: far has 51 lines, 50 allowed"]
