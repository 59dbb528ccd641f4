"""Which model an answer came from.

``messages.model`` names a model *configuration*, which need not exist any more; default configurations carry the id of
their model, ``<provider>::<model>``, those that people made a UUID.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .tables import Row, Tables

_UNKNOWN = "unknown_provider::unknown_model::"


class ModelName(NamedTuple):
    """A model as Chatkeep names it."""

    provider: str | None
    model: str | None

    @property
    def config_id(self) -> str:
        """The id that a default configuration of this model has."""
        return f"{self.provider}::{self.model}" if self.provider else str(self.model)


def split(model_id: str) -> ModelName:
    """Provider and model of a model id; an id without a provider is all model."""
    if model_id.startswith(_UNKNOWN):
        return ModelName(None, model_id.removeprefix(_UNKNOWN) or None)
    provider, separator, model = model_id.partition("::")
    return ModelName(provider or None, model or None) if separator else ModelName(None, model_id or None)


class ModelConfigs:
    """The configurations of a database, by id."""

    def __init__(self, tables: Tables) -> None:
        self._rows: dict[str, Row] = {
            row["id"]: row for row in tables.rows("model_configs", "1") if isinstance(row.get("id"), str)
        }

    def name(self, config_id: str) -> ModelName:
        """The model that a configuration uses; a missing configuration's id speaks for itself."""
        model_id = self._rows.get(config_id, {}).get("model_id")
        return split(model_id if isinstance(model_id, str) and model_id else config_id)

    def made_by_people(self, config_ids: set[str]) -> dict[str, dict[str, Any]]:
        """What is worth keeping of those configurations that are more than a model: prompts and limits."""
        found = {}
        for config_id in sorted(config_ids & self._rows.keys()):
            row = self._rows[config_id]
            kept = {key: value for key, value in row.items() if key in _KEPT and value not in (None, "", 0)}
            if row.get("author") == "user" or kept.keys() & _TELLING:
                found[config_id] = kept
        return found

    def raw(self, config_ids: set[str]) -> bytes:
        """What decides the outcome of :meth:`name` for these ids, for fingerprints."""
        used = [
            [(key, self._rows.get(config_id, {}).get(key)) for key in sorted(_KEPT)] for config_id in sorted(config_ids)
        ]
        return repr(used).encode("utf-8", "surrogatepass")


_TELLING = {"system_prompt", "budget_tokens", "reasoning_effort", "thinking_level"}
_KEPT = _TELLING | {"model_id", "display_name", "author"}
