"""JSON Schema of the kinds of description, for completion and checking in editors."""

from typing import Any

from twin.config.kinds import DEFAULT, KINDS, Kinds
from twin.config.presets import families, may_be_file, presets
from twin.config.sources import STATUSES
from twin.descriptions.derived import OF_DEVICE, model_of
from twin.descriptions.formulas import FORMULAS, OF_KIND
from twin.descriptions.load import MODELS
from twin.errors import TwinError

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str) -> dict[str, Any]:
    """Give the JSON Schema of ``"chip"``, ``"layout"``, ``"workload"`` or ``"sweep"``.

    Quantities are strings with a pattern and an example. What a schema cannot say (sources for every value,
    references that exist) is checked at load alone.

    Raises
    ------
    TwinError
        On another kind.
    """
    if kind not in MODELS:
        raise TwinError(f"schema (= {kind}): no such kind; choose from {', '.join(MODELS)}")
    schema = MODELS[kind].model_json_schema(by_alias=True, mode="validation")
    definitions = schema.get("$defs", {})
    if kind == "chip":
        for key in (*FORMULAS, *OF_DEVICE):  # whether a technology gives them is checked at load
            table, _, name = key.rpartition(".")
            required = definitions[model_of(table, OF_KIND.get(key, DEFAULT)).__name__]["required"]
            required[:] = [other for other in required if other != name]
        models = {name: model.__name__ for place in KINDS for name, model in Kinds(place).classes().items()}
        for family in dict.fromkeys(family for _, family in families(kind)):
            _allow_presets(definitions[models.get(family, "Converter")], family)
    if "sources" in schema["properties"]:
        text = {"type": "string", "pattern": f"^({'|'.join(STATUSES)}): "}
        schema["properties"]["sources"] = {
            "type": "object",
            "description": schema["properties"]["sources"]["description"],
            "additionalProperties": {"anyOf": [text, {"type": "object"}]},
        }
    if kind == "workload":
        definitions["Statistics"]["properties"]["run"] = {
            "type": "string",
            "description": "Folder of a finished run, whose ledger gives the numbers.",
        }
        definitions["Statistics"].pop("required")  # what is left out is as it was measured
        for name in ("Device", "MatrixDevice"):
            definitions[name]["additionalProperties"] = True
            definitions[name]["properties"].pop("overrides")
    return {
        "$schema": _DIALECT,
        "title": f"twin {kind}",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _allow_presets(part: dict[str, Any], family: str) -> None:
    """Name the presets; with one of them, only what it does not give is left to give."""
    names = presets(family)
    given_by_preset = {key for preset in names.values() for key in preset.values}
    choices: list[dict[str, Any]] = [{"enum": list(names)}] if names else []
    if may_be_file(family):
        choices.append({"type": "string", "pattern": r"[/\\]|\.toml$"})
    choice = {"anyOf": choices} if len(choices) > 1 else choices[0]
    part["properties"]["preset"] = choice | {"description": part["properties"]["preset"]["description"]}
    required = part.pop("required")
    part["required"] = [key for key in required if key not in given_by_preset]
    part["anyOf"] = [{"required": ["preset"]}, {"required": required}]
