"""No text of a message can hide, move or forge the messages around it, as a Markdown parser sees them."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatkeep.formats.adapters.markdown.enclosing import body, fenced
from chatkeep.formats.adapters.markdown.escaping import callout, inline_code, plain, yaml_text

PIECES = st.sampled_from(
    (
        *("## User", "## Assistant (x)", "\\## User", "# A", "---", "===", "> ", "- ", "1. ", "    ", "\t", "   ", " "),
        *("```", "````py", "~~~", "`", "\\", "[^1]: ", "text", "\r", "\r\n", "\n", "\n\n", "\n", "\n  ", "\n   "),
        *(
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<?",
            "?>",
            "<![CDATA[",
            "]]>",
            "<!X",
            ">",
            "<div>",
            "<pre ",
            "</pre>",
        ),
        *("<details>", " <!-- a -->"),
    )
)
TEXTS = st.lists(PIECES, max_size=14).map("".join)
LABEL = re.compile(r"(?:User|System|Assistant|Tool|Error)(?: \(.*\))?")


def labels(document: str) -> list[str]:
    """Headings of level 2 outside everything else that read like those of messages."""
    tokens = MarkdownIt("commonmark").parse(document)
    return [
        tokens[at + 1].content
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.tag == "h2" and token.markup == "##"
        if LABEL.fullmatch(tokens[at + 1].content)
    ]


def framed(*texts: str) -> str:
    return "\n\n".join(f"## User\n<!-- id: {n} -->\n\n{text}" for n, text in enumerate(texts)) + "\n\n## Assistant\n"


@given(TEXTS, TEXTS)
@example("<!--", "-->")
@example("```\n<!--\n", "")
@example("<!--\n```\n-->", "")
@example("<pre \n```", "")
@example("- ```\n\n  a", "")
@example("- a\n  ```\nb", "")
@example("- a\n  ```\n  b\n  ```\nc", "")
def test_the_messages_are_those_that_there_are(first: str, second: str) -> None:
    assert labels(framed(body(first), body(second))) == ["User", "User", "Assistant"]


@given(TEXTS, TEXTS)
def test_boxes_and_blocks_end_where_they_end(first: str, second: str) -> None:
    assert labels(framed(fenced(first, second), callout("tool", "x", first))) == ["User", "User", "Assistant"]


@given(TEXTS.filter(lambda text: text.strip() != ""))
def test_inline_code_is_one_piece_of_code(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"a {inline_code(text)} b")

    assert [child.type for child in tokens[1].children or []] == ["text", "code_inline", "text"]


@given(st.text())
def test_ids_cannot_end_their_comment(text: str) -> None:
    assert "--" not in plain(text)
    assert ">" not in plain(text)


@given(st.text())
def test_yaml_text_is_one_printable_line(text: str) -> None:
    assert yaml_text(text).isprintable()
