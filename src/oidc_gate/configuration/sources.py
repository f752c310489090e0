"""Where settings come from: keywords over ``OIDC_GATE_*`` variables over a TOML file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from ..faults import SECRETS, Fault, describe
from ..settings import Settings
from .checks import examine
from .general import REQUIRED
from .names import hint_for
from .report import default
from .values import LIST, SPACE_SEPARATED, WANTED, Problem, from_text, kind_of

VARIABLE = "OIDC_GATE_"
NOT_SETTINGS = re.compile(r"CONFIG|TEST_\w*|LOG_\w*")
"""What may follow `VARIABLE` and is read by others."""

# Kubernetes puts these into every container next to a Service called "oidc-gate".
_SERVICE_LINK = re.compile(
    r"(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_SERVICE_PORT = re.compile(r"(tcp|udp|sctp)://")


class Given(NamedTuple):
    """A raw value and where it came from."""

    value: Any
    source: str


class Gathering:
    """What the three sources say, in rising order of authority, and what is wrong with how they say it."""

    def __init__(self, known: Mapping[str, Field[Any]]) -> None:
        self.known = known
        self.given: dict[str, Given] = {}
        self.strangers: list[Fault] = []
        self.broken: dict[str, Fault] = {}

    def add(self, name: str, value: Any, source: str) -> None:
        """Take `value`, over what a weaker source said."""
        self.given[name] = Given(value, source)
        self.broken.pop(name, None)

    def refuse(self, name: str, code: str, source: str, **details: object) -> None:
        """Note that `source` says something unusable of `name`."""
        self.given.pop(name, None)
        self.broken[name] = describe(name, code, source, **details)

    def stranger(self, name: str, source: str) -> None:
        """Note a name that is no setting."""
        hint = f"write it as {VARIABLE}{name.upper()}" if name in self.known else hint_for(name, self.known)
        self.strangers.append(describe(name, "unknown", source, hint=hint))


def load(
    config: str | os.PathLike[str] | None, environ: Mapping[str, str], keywords: Mapping[str, Any]
) -> Settings:
    """Return checked settings out of the three sources.

    Raises:
        ConfigurationError: With every fault of every source.
    """
    known = {field.name: field for field in fields(Settings)}
    gathering = Gathering(known)
    path = config if config is not None else environ.get(f"{VARIABLE}CONFIG")
    if path is not None:
        _read_toml(gathering, os.fspath(path))
    _read_environment(gathering, environ)
    _read_keywords(gathering, keywords)
    settings = _fill(known, gathering.given)
    faults = examine(
        settings, {name: given.source for name, given in gathering.given.items()}, gathering.broken
    )
    if gathering.strangers or faults:
        raise ConfigurationError([*gathering.strangers, *faults])
    return settings


def _fill(known: Mapping[str, Field[Any]], given: Mapping[str, Given]) -> Settings:
    """Make settings without their checks, which `examine` runs with better knowledge of the sources."""
    settings = object.__new__(Settings)
    for name, field in known.items():
        object.__setattr__(settings, name, given[name].value if name in given else default(field))
    return settings


def _read_keywords(gathering: Gathering, keywords: Mapping[str, Any]) -> None:
    for name, value in keywords.items():
        field = gathering.known.get(name)
        if field is None:
            gathering.stranger(name, "keyword")
        elif value is not None or not (default(field) is None or name in REQUIRED):
            # None means "not given" where nothing else could be meant: `client_secret=os.environ.get(...)`.
            # Elsewhere it is a fault: `allowed_groups=None` could be meant to let nobody in.
            gathering.add(name, value, "keyword")


def _read_environment(gathering: Gathering, environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        if variable.startswith(VARIABLE) and not _is_foreign(
            variable.removeprefix(VARIABLE), environ[variable]
        ):
            _read_variable(gathering, variable, environ)


def _is_foreign(rest: str, value: str) -> bool:
    is_link = _SERVICE_LINK.fullmatch(rest) or (rest.endswith("PORT") and _SERVICE_PORT.match(value))
    return bool(NOT_SETTINGS.fullmatch(rest) or is_link)


def _read_variable(gathering: Gathering, variable: str, environ: Mapping[str, str]) -> None:
    name = variable.removeprefix(VARIABLE).lower()
    if name.endswith("_file") and name.removesuffix("_file") in SECRETS:
        _read_secret_file(gathering, name.removesuffix("_file"), variable, environ)
    elif name not in gathering.known or variable != variable.upper():
        gathering.stranger(name, variable)
    elif not environ[variable].strip():
        # An empty allowed_groups=${UNSET} would let everyone in.
        gathering.refuse(name, "empty", variable)
    else:
        value = from_text(name, kind_of(gathering.known[name]), environ[variable])
        if isinstance(value, Problem):
            gathering.refuse(name, value.code, variable, **value.details)
        else:
            gathering.add(name, value, variable)


def _read_secret_file(gathering: Gathering, name: str, variable: str, environ: Mapping[str, str]) -> None:
    plain = variable.removesuffix("_FILE")
    if plain in environ:
        return gathering.refuse(name, "secret_twice", variable, variable=plain)
    path = environ[variable]
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError) as error:
        return gathering.refuse(name, "secret_file", variable, reason=_reason(error))
    lines = (
        tuple(text.splitlines())
        if kind_of(gathering.known[name]) == LIST
        else text.removesuffix("\n").removesuffix("\r")
    )
    if lines:
        gathering.add(name, lines, variable)
    else:
        gathering.refuse(name, "empty", variable)


def _read_toml(gathering: Gathering, path: str) -> None:
    import tomllib

    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        gathering.strangers.append(describe("config", "config_syntax", path, path=path, reason=str(error)))
        return
    except (OSError, ValueError) as error:
        gathering.strangers.append(describe("config", "config_file", path, path=path, reason=_reason(error)))
        return
    for name, value in table.items():
        source = f"{path}: {name}"
        field = gathering.known.get(name)
        if field is None:
            gathering.stranger(name, source)
        elif (
            isinstance(value, str)
            and kind_of(field) == LIST
            and name not in SPACE_SEPARATED | {"cookie_secret"}
        ):
            gathering.refuse(name, "wrong_type", source, got="text", wanted=WANTED[LIST])
        else:
            gathering.add(name, value, source)


def _reason(error: Exception) -> str:
    """Say why a file cannot be read; a decoding error's own words could quote the file."""
    return (error.strerror or "not readable") if isinstance(error, OSError) else "it is no UTF-8 text"
