"""Write what follows from the fields of the settings: ``make settings``.

That is `oidc_gate.settings.keywords`, the typed keywords, and the tables of ``docs/settings.md``. Both are committed;
a test compares them with what would be written.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

from oidc_gate.settings.constraints import Trait
from oidc_gate.settings.fields import Fields
from oidc_gate.settings.schema import SCHEMA, Kind, Setting

ROOT = Path(__file__).parents[1]
KEYWORDS = ROOT / "src/oidc_gate/settings/keywords.py"
PAGE = ROOT / "docs/settings.md"
_TABLE = re.compile(r"(<!-- (\w+): written by `make settings` -->\n).*?(<!-- end -->\n)", re.DOTALL)

MODULE = '''\
"""The settings as typed keywords. Written by ``make settings`` from `oidc_gate.settings.fields`: do not edit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from typing import Literal, TypeAlias, TypedDict

Texts: TypeAlias = str | Sequence[str] | Set[str]
{aliases}

class SettingsKeywords(TypedDict, total=False):
    """Every setting by its name, with the types that `Settings` accepts."""

{fields}


class LoadKeywords(SettingsKeywords, total=False):
    """The keywords of `OIDCGate` and `AuthBackend`: the settings, and where else to read them."""

    config: str | os.PathLike[str] | None
    environ: Mapping[str, str] | None
'''
_TYPES = {
    Kind.TEXT: "str",
    Kind.INTEGER: "int",
    Kind.NUMBER: "float",
    Kind.BOOLEAN: "bool",
    Kind.PAIRS: "Mapping[str, str]",
}
_CHOICES = {Kind.TEXT: "One of", Kind.LIST: "Some of"}


def keywords_module() -> str:
    """Return the text of `oidc_gate.settings.keywords`."""
    return MODULE.format(
        aliases="".join(_alias(setting) for setting in SCHEMA.values() if setting.choices),
        fields="\n".join(f"    {setting.name}: {_type_of(setting)}" for setting in SCHEMA.values()),
    )


def _alias(setting: Setting) -> str:
    lines = "".join(f'    "{choice}",\n' for choice in setting.choices)
    return f"{_alias_name(setting)}: TypeAlias = Literal[\n{lines}]\n"


def _alias_name(setting: Setting) -> str:
    name = "".join(word.title() for word in setting.name.split("_"))
    return name.removesuffix("s") if setting.kind is Kind.LIST else name


def _type_of(setting: Setting) -> str:
    item = _alias_name(setting) if setting.choices else ""
    if setting.kind is Kind.LIST:
        type_ = f"{item} | Sequence[{item}] | Set[{item}]" if item else "Texts"
    else:
        type_ = item or _TYPES[setting.kind]
    # A required setting may be None, which counts as not given: `client_id=os.environ.get("CLIENT_ID")`.
    return f"{type_} | None" if setting.may_be_none or setting.is_required else type_


def page(current: str) -> str:
    """Return the text of ``docs/settings.md``: that of `current` with the tables written anew."""
    groups = {group.__name__: group for group in Fields.__mro__ if dataclasses.is_dataclass(group)}
    return _TABLE.sub(lambda found: found[1] + _table(groups[found[2]]) + found[3], current)


def _table(group: type) -> str:
    documentation = _documentation(group)
    rows = "".join(
        f"| `{name}` | `{SCHEMA[name].variable}` | {SCHEMA[name].kind.value} | {_default(SCHEMA[name])} "
        f"| {_meaning(SCHEMA[name], documentation[name])} |\n"
        for name in documentation
    )
    return "| setting | environment variable | type | default | meaning |\n|---|---|---|---|---|\n" + rows


def _documentation(group: type) -> dict[str, str]:
    """Return the text below each field of `group`, which Python itself does not keep."""
    (definition,) = ast.parse(inspect.getsource(group)).body
    found: dict[str, str] = {}
    name = ""
    for node in getattr(definition, "body", []):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            found[name] = inspect.cleandoc(str(node.value.value))
    return found


def _meaning(setting: Setting, documentation: str) -> str:
    text, *more = (re.sub(r"\s+", " ", paragraph) for paragraph in documentation.split("\n\n"))
    sentences = [text, *_constraints(setting), *(each.replace("Danger:", "**Danger:**") for each in more)]
    return " ".join(sentences).replace("|", "\\|")


def _constraints(setting: Setting) -> list[str]:
    """Return what follows from the field about its values, as sentences."""
    found = []
    if setting.choices:
        found.append(f"{_CHOICES[setting.kind]} {', '.join(f'`{choice}`' for choice in setting.choices)}.")
    if setting.range:
        found.append(f"From {setting.range.low} to {setting.range.high}.")
    if setting.max_length:
        found.append(f"At most {setting.max_length} characters.")
    if Trait.SECRET in setting.traits:
        found.append(f"File: `{setting.variable}_FILE`.")
    return found


def _default(setting: Setting) -> str:
    if setting.is_required:
        return "required"
    value: Any = setting.default
    if value is None or value in ((), "", {}):
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


if __name__ == "__main__":
    KEYWORDS.write_text(keywords_module(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
