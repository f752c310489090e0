"""What can be wrong with settings, as data: the loader raises from this table, the doctor explains from it.

A `Fault` says which setting, what is wrong, what to write instead and where the value came from. It never
holds the value of a secret: `describe` is the only way to make one, and hides what `SECRETS` names.
"""

from __future__ import annotations

from typing import NamedTuple

SECRETS = frozenset({"client_secret", "cookie_secret", "client_private_key", "id_token_decryption_key"})
"""Settings whose value is never shown, and may come from a file named by ``OIDC_GATE_<NAME>_FILE``."""


class Fault(NamedTuple):
    """One thing that is wrong with the settings.

    Args:
        setting: Name of the setting, or of what was taken for one.
        code: Stable, a key of `KINDS`.
        what: What is wrong; never holds the value of a secret.
        instead: What to write.
        source: Where the value came from: ``keyword``, the name of an environment variable, a file and its
            key, or ``default``.
    """

    setting: str
    code: str
    what: str
    instead: str
    source: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.source}): {self.what}; {self.instead} [{self.code}]"


class Kind(NamedTuple):
    """A way to be wrong: templates for `str.format`, filled with ``{setting}`` and what the check found."""

    what: str
    instead: str


def describe(setting: str, code: str, source: str, **details: object) -> Fault:
    """Make the fault `code` of `setting`.

    Args:
        setting: Name of the setting.
        code: A key of `KINDS`.
        source: Where the value came from.
        details: Fill the templates of `KINDS`. ``value`` is quoted and cut to 100 characters; it is hidden
            where the setting is a secret.
    """
    if "value" in details:
        details["value"] = "a secret" if setting in SECRETS else _shown(details["value"])
    kind = KINDS[code]
    filled = details | {"setting": setting}
    return Fault(setting, code, kind.what.format(**filled), kind.instead.format(**filled), source)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


KINDS: dict[str, Kind] = {
    # any setting
    "missing": Kind("is not set", "set {setting}, or OIDC_GATE_{variable}"),
    "empty": Kind("is set, and empty", "give it a value, or do not set it"),
    "unknown": Kind("is no setting", "{hint}"),
    "wrong_type": Kind("is {got}", "write {wanted}"),
    "not_boolean": Kind("{value} is neither true nor false", "write true or false"),
    "not_integer": Kind("{value} is no whole number", "write digits only, as {example}"),
    "not_number": Kind("{value} is no number", "write it as {example}"),
    "not_pairs": Kind("is no list of pairs", "write name=value,name2=value2"),
    "blank_item": Kind("an item of the list is empty", "remove it, or the comma too many"),
    "outer_space": Kind("begins or ends with white space or a line break", "remove it"),
    "control_character": Kind("holds a control character or a line break", "remove it"),
    "out_of_range": Kind("{value} is out of range", "write a number from {low} to {high}"),
    "not_one_of": Kind("{value} is not known", "write one of {choices}{hint}"),
    # where settings come from
    "secret_twice": Kind("both {variable} and {variable}_FILE are set", "set one of them"),
    "secret_file": Kind("the file {path!r} cannot be read: {reason}", "correct the path or its permissions"),
    "config_file": Kind("the file {path!r} cannot be read: {reason}", "correct the path or its permissions"),
    "config_syntax": Kind("the file {path!r} is no TOML: {reason}", "correct that line"),
    "file": Kind("the file {value} cannot be read: {reason}", "correct the path or its permissions"),
}
