"""Each command, in the words of docs/cli.md."""

from __future__ import annotations

from pathlib import Path

import pytest

import chatkeep
from tests.interface.conftest import Run

Ids = dict[str, str]


def test_lists_are_newest_first_and_can_be_filtered(cli: Run, ids: Ids) -> None:
    assert [row["id"] for row in cli("list", "--json").json["conversations"]] == [ids["odd"], ids["bread"]]
    for filter in (("--project", "kitchen"), ("--tag", "baking"), ("--model", "o3"), ("--until", "today")):
        found = cli("list", *filter, "--json").json["conversations"]
        assert ids["bread"] in [row["id"] for row in found], filter
    assert cli("list", "--since", "2100", "--json").json == {"conversations": [], "next": None}


def test_a_list_goes_on_where_it_ended(cli: Run, ids: Ids) -> None:
    first = cli("list", "--limit", "1", "--json").json
    second = cli("list", "--limit", "1", "--cursor", first["next"], "--json").json

    assert [page["conversations"][0]["id"] for page in (first, second)] == [ids["odd"], ids["bread"]]


def test_a_bad_cursor_is_wrong_usage(cli: Run, ids: Ids) -> None:
    assert cli("list", "--cursor", "nonsense", "--json", code=2).error["code"] == "store.bad-cursor"


def test_show_prints_the_thread_and_all_branches_when_asked(cli: Run, ids: Ids) -> None:
    shown = cli("show", ids["bread"], "--json").json
    everything = cli("show", ids["bread"], "--all-branches", "--json").json

    assert shown["conversation"]["title"] == "Bread ratio"
    assert shown["conversation"]["project"] == "Kitchen"
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant", "assistant"]
    assert len(everything["messages"]) == 4
    assert shown["messages"][0]["parts"] == [{"type": "text", "text": "How much water for 500 g of flour?"}]


def test_show_folds_tool_results_unless_asked_for_all(cli: Run, ids: Ids) -> None:
    folded, full = cli("show", ids["bread"]).out, cli("show", ids["bread"], "--full").out

    assert "calls scales" in folded
    assert "line 19" not in folded
    assert "14 more lines" in folded
    assert "line 19" in full


def test_a_thread_that_shows_nothing_says_why(cli: Run, ids: Ids, keep: chatkeep.Keep) -> None:
    chat = keep.conversations.create(title="Rules")
    assert "no messages" in cli("show", chat.id).out
    keep.messages.append(chat.id, "system", "Be brief.", hidden=True)

    assert "1 hidden message: --full shows them" in cli("show", chat.id).out
    assert "Be brief." in cli("show", chat.id, "--full").out
    assert "--full" not in cli("show", ids["bread"]).out


def test_too_short_an_id_says_how_long_it_must_be(cli: Run, ids: Ids) -> None:
    assert "at least 3 characters" in cli("show", ids["bread"][:2], code=21).err
    assert "at least" not in cli("show", "ffffffff", code=21).err


def test_an_id_may_be_shortened(cli: Run, ids: Ids) -> None:
    assert cli("show", ids["bread"][-8:], "--json").json["conversation"]["id"] == ids["bread"]


def test_an_unknown_id_has_its_own_error_and_exit_code(cli: Run, ids: Ids) -> None:
    ran = cli("show", "ffffffff-no-such", "--json", code=21)

    assert ran.out == ""
    assert ran.error["code"] == "store.conversation-not-found"
    assert ran.error["id"] == "ffffffff-no-such"


def test_search_finds_words_and_titles(cli: Run, ids: Ids) -> None:
    found = cli("search", "water", "flour", "--json").json

    assert [hit["conversation_id"] for hit in found["hits"]] == [ids["bread"]]
    assert "500 g of flour" in found["hits"][0]["snippet"]
    assert set(found) == {"query", "hits", "behind", "ranked_window", "next"}
    assert cli("search", "in:title", "bread", "--json").json["hits"][0]["message_id"] is None
    assert "Bread ratio" in cli("search", "water").out


@pytest.mark.parametrize("query", ['"', "a AND (", "🍵", "*", "NEAR(a b)", "'; DROP TABLE x; --", "x" * 5000])
def test_odd_queries_are_no_errors(cli: Run, ids: Ids, query: str) -> None:
    assert cli("search", "--json", "--", query).json["hits"] == []


def test_renaming_pinning_archiving_and_tagging(cli: Run, ids: Ids) -> None:
    bread = ids["bread"]
    assert (
        cli("rename", bread, "Water", "and", "flour", "--json").json["conversations"][0]["title"] == "Water and flour"
    )
    assert cli("pin", bread, ids["odd"], "--json").json["conversations"][1]["pinned"] is True
    assert len(cli("list", "--pinned", "--json").json["conversations"]) == 2
    cli("unpin", bread)
    assert [row["id"] for row in cli("list", "--pinned", "--json").json["conversations"]] == [ids["odd"]]
    assert cli("tag", bread, "sour dough", "baking", "--json").json["conversations"][0]["tags"] == [
        "baking",
        "sour dough",
    ]
    assert cli("tags", "--json").json["tags"] == [{"name": "baking", "count": 1}, {"name": "sour dough", "count": 1}]
    assert cli("untag", bread, "baking", "--json").json["conversations"][0]["tags"] == ["sour dough"]


def test_archived_chats_leave_the_list_unless_asked_for(cli: Run, ids: Ids) -> None:
    def listed(*options: str) -> list[str]:
        return [row["id"] for row in cli("list", *options, "--json").json["conversations"]]

    cli("archive", ids["bread"])

    assert listed() == [ids["odd"]]
    assert listed("--archived") == [ids["bread"]]
    assert sorted(listed("--all")) == sorted([ids["odd"], ids["bread"]])
    cli("list", "--all", "--archived", code=2)
    cli("delete", ids["bread"])
    assert listed("--trash") == [ids["bread"]]
    cli("trash", "restore", ids["bread"])
    cli("unarchive", ids["bread"])
    assert ids["bread"] in listed()


@pytest.mark.parametrize("title", [(), ("",), (" ", "\t"), ("Bread", "--clear")])
def test_a_title_is_not_taken_away_by_accident(cli: Run, ids: Ids, title: tuple[str, ...]) -> None:
    """An empty shell variable must not undo what somebody thought of."""
    assert "--clear" in cli("rename", ids["bread"], *title, code=2).err
    assert cli("show", ids["bread"], "--json").json["conversation"]["title"] == "Bread ratio"


def test_a_title_is_taken_away_when_asked(cli: Run, ids: Ids) -> None:
    assert cli("rename", ids["bread"], "--clear", "--json").json["conversations"][0]["title"] is None


def test_moving_between_projects(cli: Run, ids: Ids) -> None:
    odd = ids["odd"]
    assert cli("move", odd, "Kitchen", "--json").json["conversations"][0]["project_id"] == ids["project"]
    assert cli("move", odd, ids["project"], "--json").json["conversations"][0]["project"] == "Kitchen"
    assert cli("move", odd, "Garden", "--json", code=21).error["code"] == "store.project-not-found"
    assert "--create" in cli("move", odd, "Garden", code=21).err
    assert cli("move", odd, "Garden", "--create", "--json").json["conversations"][0]["project"] == "Garden"
    assert cli("move", odd, "--none", "--json").json["conversations"][0]["project"] is None
    cli("move", odd, code=2)
    cli("move", odd, "Garden", "--none", code=2)


def test_projects_are_listed_made_renamed_and_deleted(cli: Run, ids: Ids) -> None:
    made = cli("projects", "create", "Bread", "--parent", "Kitchen", "--json").json["project"]
    assert made["parent_id"] == ids["project"]
    assert cli("projects", "rename", "Bread", "Loaves", "--json").json["project"]["name"] == "Loaves"
    assert [row["name"] for row in cli("projects", "list", "--json").json["projects"]] == ["Kitchen", "Loaves"]
    cli("projects", "delete", "Kitchen", code=2)
    cli("projects", "delete", "Kitchen", "--yes")
    assert cli("projects", "list", "--json").json["projects"] == []
    assert cli("show", ids["bread"], "--json").json["conversation"]["project"] is None


def test_two_projects_of_one_name_need_an_id(cli: Run, ids: Ids) -> None:
    cli("projects", "create", "Kitchen")

    assert cli("list", "--project", "Kitchen", "--json", code=22).error["code"] == "store.ambiguous-id"


def test_deleting_is_undone_by_restoring(cli: Run, ids: Ids) -> None:
    assert cli("delete", ids["bread"], "--json").json["conversations"][0]["trashed_at"] is not None
    assert [row["id"] for row in cli("list", "--json").json["conversations"]] == [ids["odd"]]
    assert [row["id"] for row in cli("trash", "list", "--json").json["conversations"]] == [ids["bread"]]
    assert "TRASHED" in cli("trash", "list").out
    assert "TRASHED" not in cli("list").out
    assert [row["id"] for row in cli("list", "--trash", "--json").json["conversations"]] == [ids["bread"]]
    assert cli("search", "flour", "--json").json["hits"] == []
    cli("trash", "restore", ids["bread"])
    assert len(cli("list", "--json").json["conversations"]) == 2
    assert len(cli("search", "flour", "--json").json["hits"]) == 1


def test_purging_asks_and_leaves_nothing(cli: Run, ids: Ids) -> None:
    refused = cli("purge", ids["bread"], "--json", code=2)
    assert refused.error["code"] == "usage.confirmation-required"
    assert len(cli("list", "--json").json["conversations"]) == 2

    assert cli("purge", ids["bread"], "--yes", "--json").json["purged"]["conversations"] == 1
    cli("show", ids["bread"], code=21)


def test_emptying_the_trash_can_spare_what_is_new(cli: Run, ids: Ids) -> None:
    cli("delete", ids["bread"])
    cli("trash", "empty", code=2)
    assert cli("trash", "empty", "--older-than", "1", "--yes", "--json").json["purged"]["conversations"] == 0
    assert cli("trash", "empty", "--yes", "--json").json["purged"]["conversations"] == 1


def test_nothing_is_changed_if_one_of_several_ids_fits_nothing(cli: Run, ids: Ids) -> None:
    cli("delete", ids["bread"], "no-such-id", code=21)

    assert len(cli("list", "--json").json["conversations"]) == 2


def test_branches_are_listed_and_switched(cli: Run, ids: Ids) -> None:
    branches = cli("branch", "list", ids["bread"], "--json").json["branches"]
    assert {branch["message_id"]: branch["shown"] for branch in branches} == {ids["last"]: True, ids["first"]: False}

    cli("branch", "switch", ids["bread"], ids["first"])

    shown = cli("show", ids["bread"], "--json").json["messages"]
    assert [message["id"] for message in shown][-1] == ids["first"]
    assert cli("branch", "switch", ids["bread"], "zzz", "--json", code=21).error["code"] == "store.message-not-found"


def test_stats_count_what_is_kept(cli: Run, ids: Ids) -> None:
    stats = cli("stats", "--json").json

    assert (stats["conversations"], stats["messages"], stats["projects"]) == (2, 5, 1)
    assert stats["by_model"]["sonnet"]["messages"] == 2
    assert stats["cost_usd"] == 0.012
    assert "conversations" in cli("stats").out


def test_check_finds_a_sound_store_sound(cli: Run, ids: Ids) -> None:
    report = cli("check", "--json").json

    assert report["clean"] is True
    assert report["checked"] == {"conversations": 2, "messages": 5, "attachments": 0}
    assert "all is well" in cli("check").err


def test_check_of_no_store_says_so(cli: Run, place: Path) -> None:
    assert "--home" in cli("check", code=25).err
    assert not place.exists()


def test_doctor_reports_the_state_of_things(cli: Run, ids: Ids) -> None:
    diagnosis = cli("doctor", "--json").json

    codes = {finding["code"] for finding in diagnosis["findings"]}
    assert {"sqlite.safe", "disk.free", "store.readable"} <= codes
    assert diagnosis["level"] in ("ok", "note")
    assert diagnosis["sizes"]["chats.db"] > 0


def test_where_names_places_and_makes_none(cli: Run, place: Path) -> None:
    assert cli("where", "--json").json == {
        "directory": str(place),
        "store": str(place / "chats.db"),
        "search_index": str(place / "search.db"),
        "logs": str(place / "logs"),
        "exists": False,
    }
    assert not place.exists()


def test_version_names_all_that_matters(cli: Run) -> None:
    assert set(cli("version", "--json").json) == {"chatkeep", "python", "sqlite", "apsw", "platform"}
    assert cli("--version").out.startswith("chatkeep ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(cli: Run, shell: str) -> None:
    assert "chatkeep" in cli("completion", shell).out
    assert "_CHATKEEP_COMPLETE" in cli("completion", shell, "--json").json["script"]


def test_looking_makes_no_store(cli: Run, place: Path) -> None:
    """A mistyped --home must not leave a directory behind."""
    assert cli("list", "--json").json["conversations"] == []
    assert cli("search", "x", "--json").json["hits"] == []
    assert cli("stats", "--json").json["conversations"] == 0
    cli("show", "abc", code=21)
    assert not place.exists()


def test_a_store_that_is_in_use_can_be_looked_at(cli: Run, ids: Ids, keep: chatkeep.Keep) -> None:
    keep.messages.append(ids["odd"], "assistant", "written meanwhile")

    assert len(cli("show", ids["odd"], "--json").json["messages"]) == 2
