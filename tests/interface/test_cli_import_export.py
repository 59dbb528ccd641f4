"""Chats in and out, as a person does it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.interface.conftest import Run

Ids = dict[str, str]


def chat(id: str, *texts: str, title: str = "Bread") -> dict[str, Any]:
    """An invented conversation as ChatGPT exports it."""
    nodes: dict[str, Any] = {"root": {"id": "root", "parent": None, "children": [], "message": None}}
    parent = "root"
    for number, text in enumerate(texts):
        node = f"{id}-{number}"
        message = {
            "id": node,
            "author": {"role": "assistant" if number % 2 else "user"},
            "create_time": 1730000000.0 + number,
            "content": {"content_type": "text", "parts": [text]},
            "status": "finished_successfully",
            "weight": 1.0,
            "metadata": {},
            "recipient": "all",
        }
        nodes[node] = {"id": node, "parent": parent, "children": [], "message": message}
        nodes[parent]["children"].append(node)
        parent = node
    return {
        "id": id,
        "conversation_id": id,
        "title": title,
        "create_time": 1730000000.0,
        "update_time": 1730000100.0,
        "current_node": parent,
        "mapping": nodes,
    }


def export_bytes(*chats: Any) -> bytes:
    return json.dumps(chats).encode()


@pytest.fixture
def chatgpt(tmp_path: Path) -> Path:
    path = tmp_path / "chatgpt.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", export_bytes(chat("c1", "How much water?", "About 60 percent.")))
    return path


def test_an_import_reports_what_came_in(cli: Run, chatgpt: Path) -> None:
    report = cli("import", chatgpt, "--json").json

    source = report["sources"][0]
    assert source["path"] == str(chatgpt)
    assert source["format"] == "chatgpt"
    assert source["conversations"] == {"added": 1, "updated": 0, "unchanged": 0, "skipped": 0}
    assert source["messages"] == {"added": 2, "updated": 0, "unchanged": 0}
    assert source["attachments"] == {"added": 0, "missing": 0}
    assert (source["skipped"], source["not_imported"], source["purged"]) == ([], [], 0)
    assert set(report["totals"]) == set(source) - {"path"}
    assert len(cli("list", "--json").json["conversations"]) == 1


def test_importing_again_adds_nothing(cli: Run, chatgpt: Path) -> None:
    cli("import", chatgpt)

    again = cli("import", chatgpt, "--json").json["totals"]
    assert again["conversations"] == {"added": 0, "updated": 0, "unchanged": 1, "skipped": 0}
    assert again["messages"] == {"added": 0, "updated": 0, "unchanged": 2}


def test_a_dry_run_changes_nothing_and_makes_no_store(cli: Run, chatgpt: Path, place: Path) -> None:
    report = cli("import", chatgpt, "--dry-run", "--json").json

    assert report["totals"]["conversations"]["added"] == 1
    assert not place.exists()


def test_standard_input_is_a_source(cli: Run) -> None:
    report = cli("import", "-", "--json", stdin=export_bytes(chat("c1", "hello"))).json

    assert report["sources"][0]["path"] == "-"
    assert report["totals"]["messages"]["added"] == 1


def test_what_cannot_be_read_is_named_and_strict_makes_it_count(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(export_bytes(chat("c1", "hello"), chat("c2", "x") | {"mapping": "gone"}))

    assert cli("import", path, "--json").json["totals"]["skipped"]
    assert "skipped" in cli("import", path, "--strict", code=1).out


def test_one_unknown_file_among_others_stops_only_itself(cli: Run, chatgpt: Path, tmp_path: Path) -> None:
    other = tmp_path / "holiday.txt"
    other.write_text("dear diary")

    ran = cli("import", other, chatgpt, "--json", code=51)

    assert ran.json["totals"]["conversations"]["added"] == 1
    assert ran.error["code"] == "formats.unknown"
    assert "holiday.txt" in ran.error["message"]


def test_every_source_that_failed_is_named_once(cli: Run, tmp_path: Path) -> None:
    names = ["diary.txt", "list.txt", "poem.txt"]
    for name in names:
        (tmp_path / name).write_text("dear diary")

    lines = cli("import", *(tmp_path / name for name in names), code=51).err.splitlines()

    assert sorted(line.partition(": a text")[0] for line in lines) == [f"chatkeep: {tmp_path / name}" for name in names]


def test_a_folder_in_which_the_named_format_finds_nothing_is_told(cli: Run, tmp_path: Path) -> None:
    """Counts of none look like success to whoever named the wrong format, or renamed the files."""
    folder = tmp_path / "renamed"
    folder.mkdir()
    (folder / "mine.json").write_text("{}")

    assert f"{folder}: nothing in it was read as claude" in cli("import", folder, "--as", "claude").err


def test_a_folder_of_exports_is_imported_export_by_export(cli: Run, chatgpt: Path, tmp_path: Path) -> None:
    """People point at the folder of their downloads."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    chatgpt.rename(downloads / "chatgpt.zip")
    (downloads / "older").mkdir()
    (downloads / "older" / "conversations.json").write_bytes(export_bytes(chat("c2", "How long?", title="Tea")))
    (downloads / "holiday.txt").write_text("dear diary")
    (downloads / ".hidden.json").write_bytes(export_bytes(chat("c3", "Who?")))

    ran = cli("import", downloads, "--json")

    assert [source["path"] for source in ran.json["sources"]] == [
        str(downloads / name) for name in ("chatgpt.zip", "older")
    ]
    assert ran.json["totals"]["conversations"]["added"] == 2
    assert "passed over" in ran.err
    assert "holiday.txt" in ran.err


def test_a_zip_beside_the_files_of_an_export_is_not_left_out_silently(cli: Run, chatgpt: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    chatgpt.rename(folder / "chatgpt.zip")
    (folder / "conversations.json").write_bytes(export_bytes(chat("c2", "How long?")))

    ran = cli("import", folder, "--json")

    assert [source["path"] for source in ran.json["sources"]] == [str(folder)]
    assert "passed over in" in ran.err
    assert "chatgpt.zip" in ran.err


def test_a_folder_that_holds_the_store_is_refused_as_before(cli: Run, ids: Ids, place: Path, chatgpt: Path) -> None:
    """Looking into the store's own files could drop its locks."""
    assert chatgpt.parent == place.parent
    assert "holds, the store" in cli("import", place.parent, code=2).err


def test_a_name_that_no_file_can_have_is_told(cli: Run) -> None:
    assert "too long" in cli("import", "x" * 5000, code=53).err


def test_errors_about_standard_input_call_it_so(cli: Run) -> None:
    for stdin in (b"dear diary", b"PK\x03\x04 cut"):
        ran = cli("import", "-", stdin=stdin, code=None)
        assert ran.err.startswith("chatkeep: standard input: "), ran.err
        assert "stdin-" not in ran.err
    skipped = cli("import", "-", "--json", stdin=export_bytes(chat("c1", "Hi"), 7)).json["sources"][0]["skipped"]
    assert "stdin-" not in json.dumps(skipped)


def test_what_is_empty_is_called_empty(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing.json").touch()

    for name, kind in (("nothing", "an empty directory"), ("nothing.json", "an empty file")):
        ran = cli("import", tmp_path / name, code=51)
        assert kind in ran.err
        assert "--as" not in ran.err
    assert "standard input: an empty file" in cli("import", "-", code=51).err


def test_a_quiet_import_prints_errors_only(cli: Run, chatgpt: Path, tmp_path: Path) -> None:
    done = cli("import", "-q", chatgpt)
    assert (done.out, done.err) == ("", "")
    assert "nothing.zip" in cli("import", "-q", tmp_path / "nothing.zip", code=53).err
    assert cli("import", "-q", chatgpt, "--json").json["totals"]["conversations"]["unchanged"] == 1


def test_a_file_that_is_not_there_is_told(cli: Run, tmp_path: Path) -> None:
    assert "nothing.zip" in cli("import", tmp_path / "nothing.zip", code=53).err


def test_an_unknown_format_name_lists_the_known(cli: Run, chatgpt: Path) -> None:
    assert "chatgpt" in cli("import", chatgpt, "--as", "carrier-pigeon", code=51).err


def test_purged_chats_come_back_only_when_asked(cli: Run, chatgpt: Path) -> None:
    cli("import", chatgpt)
    cli("purge", cli("list", "--json").json["conversations"][0]["id"], "--yes")

    assert cli("import", chatgpt, "--json").json["totals"]["purged"] == 1
    assert "--include-purged" in cli("import", chatgpt).out
    assert cli("import", chatgpt, "--include-purged", "--json").json["totals"]["conversations"]["added"] == 1


def test_without_a_path_the_usual_places_are_searched(cli: Run, chatgpt: Path, home: Path) -> None:
    (home / "Downloads").mkdir()
    chatgpt.rename(home / "Downloads" / "chatgpt.zip")
    (home / "Downloads" / "holiday.zip").write_bytes(b"PK\x03\x04 not an export")

    refused = cli("import", "--json", code=2)
    assert refused.error["code"] == "usage.confirmation-required"
    assert "holiday" not in refused.err
    report = cli("import", "--yes", "--json").json
    assert [source["path"] for source in report["sources"]] == [str(home / "Downloads" / "chatgpt.zip")]


def test_without_a_path_and_without_chats_nothing_happens(cli: Run, place: Path) -> None:
    assert "give a PATH" in cli("import").err
    assert not place.exists()


def test_json_is_printed_where_nothing_is_found_too(cli: Run) -> None:
    """Whoever pipes `--json` into a program needs a document, not nothing."""
    assert cli("import", "--json").json["sources"] == []


def test_formats_name_what_can_be_read_and_written(cli: Run) -> None:
    formats = {row["name"]: row for row in cli("formats", "--json").json["formats"]}

    assert formats["chatgpt"]["read"] is True
    assert formats["markdown"]["write"] is True


def test_an_export_is_written_and_never_over_anything(cli: Run, ids: Ids, tmp_path: Path) -> None:
    target = tmp_path / "bread.md"

    written = cli("export", ids["bread"], "--to", "markdown", "-o", target, "--json").json

    assert written["conversations"] == 1
    assert written["files"] == [str(target)]
    assert "flour" in target.read_text()
    again = cli("export", ids["odd"], "--to", "markdown", "-o", target, "--json", code=55)
    assert again.error["code"] == "formats.destination-exists"
    assert "--" not in again.error["message"], "no command has an option for writing over things"
    assert "flour" in target.read_text()


def test_exports_choose_by_id_by_query_or_all(cli: Run, ids: Ids, tmp_path: Path) -> None:
    one = cli("export", "--query", "flour", "--to", "chatkeep", "-o", tmp_path / "one", "--json").json
    every = cli("export", "--all", "--to", "chatkeep", "-o", tmp_path / "all", "--json").json

    assert (one["conversations"], every["conversations"]) == (1, 2)
    for wrong in ((), (ids["bread"], "--all"), ("--all", "--query", "x")):
        cli("export", *wrong, "--to", "chatkeep", "-o", tmp_path / "none", code=2)


def test_an_export_comes_back_the_same(cli: Run, ids: Ids, tmp_path: Path) -> None:
    cli("export", "--all", "--to", "chatkeep", "-o", tmp_path / "all.jsonl")
    before = {row["id"]: row for row in cli("list", "--json").json["conversations"]}

    other = ("--home", tmp_path / "other")
    cli(*other, "import", tmp_path / "all.jsonl")

    after = {row["id"]: row for row in cli(*other, "list", "--json").json["conversations"]}
    assert after == before


def test_an_export_of_one_file_can_go_to_standard_output(cli: Run, ids: Ids) -> None:
    assert "flour" in cli("export", ids["bread"], "--to", "markdown", "-o", "-").out


def test_a_format_that_cannot_be_written_says_so(cli: Run, ids: Ids, tmp_path: Path) -> None:
    assert cli("export", "--all", "--to", "nothing", "-o", tmp_path / "x", "--json", code=51).error["code"] == (
        "formats.unknown"
    )


def test_a_hostile_export_steers_no_terminal(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(export_bytes(chat("c\x1b[2J", "\x1b]0;x\x07", title="\x1b[31m\u202e"), "\x1b[2J"))

    ran = cli("import", path)

    assert not set(ran.out + ran.err) & set("\x1b\x07\u202e")


def test_streams_of_bytes_are_not_decoded(cli: Run) -> None:
    """Standard input is bytes: a byte that is no UTF-8 must not crash the program before the adapter sees it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("conversations.json", export_bytes(chat("c1", "hello")))

    assert cli("import", "-", "--json", stdin=data.getvalue()).json["totals"]["conversations"]["added"] == 1
