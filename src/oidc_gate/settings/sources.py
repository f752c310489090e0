"""Reads the settings from their sources: keywords, then ``OIDC_GATE_*`` environment variables, then a TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from .checks import CHECKS
from .constraints import Trait
from .hints import hint_for, hint_for_table
from .parse import EXPECTED, ValueProblem, from_text
from .problems import Problem, describe_problem
from .report import run_checks
from .schema import SCHEMA, SECRETS, VARIABLE_PREFIX, Kind, Setting

NOT_SETTINGS = re.compile(r"CONFIG|TEST_\w*|LOG_\w*")
"""Names after `VARIABLE_PREFIX` that are not settings, but are allowed."""

# Kubernetes puts these into every container next to a Service called "oidc-gate".
_SERVICE_LINK = re.compile(
    r"(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_SERVICE_PORT = re.compile(r"(tcp|udp|sctp)://")


class Given(NamedTuple):
    """A value as it was given, and its source."""

    value: Any
    source: str

    def __repr__(self) -> str:
        return f"Given(source={self.source!r})"  # the value may be a secret


class SettingsReader:
    """Reads the sources in the order of increasing precedence. A later source replaces the values of an earlier one.

    Attributes:
        given: The value and the source of each setting.
        broken: The problem of each setting whose value cannot be used.
        unknown: Problems that belong to no setting: unknown names, or a file that cannot be read.
    """

    def __init__(self) -> None:
        self.given: dict[str, Given] = {}
        self.broken: dict[str, Problem] = {}
        self.unknown: list[Problem] = []

    def read_toml(self, path: str) -> None:
        """Read a TOML file."""
        try:
            with open(path, "rb") as file:
                table = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            self.unknown.append(
                describe_problem("config", "config_syntax", path, path=path, reason=str(error))
            )
            return
        except (OSError, ValueError) as error:
            self.unknown.append(
                describe_problem("config", "config_file", path, path=path, reason=_reason(error))
            )
            return
        for name, value in table.items():
            self._take_from_toml(name, value, f"{path}: {name}")

    def read_environment(self, environ: Mapping[str, str]) -> None:
        """Read the ``OIDC_GATE_*`` variables."""
        for variable in sorted(environ):
            rest = variable.removeprefix(VARIABLE_PREFIX)
            if rest != variable and not _is_foreign(rest, environ[variable]):
                self._read_variable(variable, environ)

    def read_keywords(self, keywords: Mapping[str, Any]) -> None:
        """Read the keywords.

        None means "not given" if the setting may be None or is required: `client_secret=os.environ.get(...)`.
        Elsewhere it is an error: `allowed_groups=None` could be meant to let no user in.
        """
        for name, value in keywords.items():
            setting = SCHEMA.get(name)
            if setting is None:
                self._refuse_unknown(name, "keyword")
            elif value is not None or not (setting.may_be_none or setting.is_required):
                self._take(name, value, "keyword")

    def checked(self) -> dict[str, Any]:
        """Return the value of every setting, checked and in its normal form.

        Raises:
            ConfigurationError: With every problem of every source.
        """
        values = {
            name: self.given[name].value if name in self.given else setting.default
            for name, setting in SCHEMA.items()
        }
        sources = {name: given.source for name, given in self.given.items()}
        settings, problems = run_checks(CHECKS, values, sources, self.broken.values())
        if self.unknown or problems:
            raise ConfigurationError([*self.unknown, *problems])
        return vars(settings)

    def _take(self, name: str, value: Any, source: str) -> None:
        self.given[name] = Given(value, source)
        self.broken.pop(name, None)

    def _refuse(self, name: str, code: str, source: str, **details: object) -> None:
        self.given.pop(name, None)
        self.broken[name] = describe_problem(name, code, source, **details)

    def _refuse_unknown(self, name: str, source: str, *, is_variable: bool = False) -> None:
        known = SCHEMA.get(name)
        hint = f"write it as {known.variable}" if known else hint_for(name, is_variable=is_variable)
        self._refuse_name(name, source, hint)

    def _refuse_name(self, name: str, source: str, hint: str) -> None:
        self.unknown.append(describe_problem(name, "unknown", source, hint=hint))

    def _take_from_toml(self, name: str, value: Any, source: str) -> None:
        setting = SCHEMA.get(name)
        if setting is None and isinstance(value, dict):
            self._refuse_name(name, source, hint_for_table(name))
        elif setting is None:
            self._refuse_unknown(name, source)
        elif isinstance(value, str) and setting.kind is Kind.LIST and not _may_be_text(setting):
            self._refuse(name, "wrong_type", source, got="text", expected=EXPECTED[Kind.LIST])
        else:
            self._take(name, value, source)

    def _read_variable(self, variable: str, environ: Mapping[str, str]) -> None:
        name, text = variable.removeprefix(VARIABLE_PREFIX).lower(), environ[variable]
        if name.endswith("_file") and name.removesuffix("_file") in SECRETS:
            self._read_secret_file(name.removesuffix("_file"), variable, environ)
        elif name not in SCHEMA or variable != variable.upper():
            self._refuse_unknown(name, variable, is_variable=True)
        elif not text.strip():
            # An empty allowed_groups=${UNSET} would let everyone in.
            self._refuse(name, "empty", variable)
        else:
            try:
                self._take(name, from_text(SCHEMA[name], text), variable)
            except ValueProblem as error:
                self._refuse(name, error.code, variable, **error.details)

    def _read_secret_file(self, name: str, variable: str, environ: Mapping[str, str]) -> None:
        plain = SCHEMA[name].variable
        if plain in environ:
            return self._refuse(name, "secret_twice", variable, variable=plain)
        try:
            with open(environ[variable], encoding="utf-8") as file:
                text = file.read()
        except (OSError, ValueError) as error:
            return self._refuse(name, "secret_file", variable, reason=_reason(error))
        is_list = SCHEMA[name].kind is Kind.LIST
        value = tuple(text.splitlines()) if is_list else text.removesuffix("\n")
        if value:
            self._take(name, value, variable)
        else:
            self._refuse(name, "empty", variable)


def load(
    config: str | os.PathLike[str] | None, environ: Mapping[str, str], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the value of every setting from the three sources, checked.

    Raises:
        ConfigurationError: With every problem of every source.
    """
    reader = SettingsReader()
    path = config if config is not None else environ.get(f"{VARIABLE_PREFIX}CONFIG")
    if path is not None:
        reader.read_toml(os.fspath(path))
    reader.read_environment(environ)
    reader.read_keywords(keywords)
    return reader.checked()


def from_keywords(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every setting from keywords alone, checked.

    A keyword that is equal to the default is treated as not given, because `dataclasses.replace` passes every field.

    Raises:
        ConfigurationError: With every problem.
    """
    reader = SettingsReader()
    reader.read_keywords({name: value for name, value in keywords.items() if not _is_default(name, value)})
    return reader.checked()


def _is_default(name: str, value: Any) -> bool:
    if name not in SCHEMA:
        return False
    default = SCHEMA[name].default
    return type(value) is type(default) and bool(value == default)  # to Python 0 is False, and 3600.0 is 3600


def _is_foreign(rest: str, value: str) -> bool:
    is_link = _SERVICE_LINK.fullmatch(rest) or (rest.endswith("PORT") and _SERVICE_PORT.match(value))
    return bool(NOT_SETTINGS.fullmatch(rest) or is_link)


def _may_be_text(setting: Setting) -> bool:
    """Return whether a list may be given as one text in TOML, as is common for scopes and for a single secret."""
    return bool(setting.traits & {Trait.SPACE_SEPARATED, Trait.SECRET})


def _reason(error: Exception) -> str:
    """Return the reason why a file cannot be read, without the text of a decoding error, which could quote the file."""
    return (error.strerror or "not readable") if isinstance(error, OSError) else "it is not UTF-8 text"
