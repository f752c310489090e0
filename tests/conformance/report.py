"""docs/conformance.md: what was tried for each module, and the result, written by the test run itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.not_applicable import NOT_APPLICABLE, Reason

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/conformance.md"
_PREFIX = "test_oidcc_client_"


@dataclass
class Module:
    """One module of the suite: the file that is named after it, and what the run saw of it."""

    path: Path
    failed: int = 0
    passed: int = 0
    tried: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.stem.removeprefix("test_").replace("_", "-")

    def says(self, label: str) -> str:
        """What the docstring says on the line of `label`; without one, what the module is about."""
        first, *lines = (ast.get_docstring(ast.parse(self.path.read_text())) or "").splitlines()
        if not label:
            return first.partition(": ")[2].rstrip(".")
        return next((line.partition(": ")[2] for line in lines if line.startswith(f"{label}: ")), "")

    @property
    def result(self) -> str:
        if self.failed:
            return "**failed**"
        return "passed" if self.passed else "not run"


def all_modules() -> list[Module]:
    return [Module(path) for path in sorted(HERE.glob(f"{_PREFIX}*.py"))]


_run: dict[str, Module] = {module.path.stem: module for module in all_modules()}


def seen(stem: str, outcome: pytest.TestReport) -> None:
    """Take down how a part of a test went."""
    module = _run.get(stem)
    if module is None:
        return
    module.failed += outcome.failed
    if outcome.when == "call" and outcome.passed:
        module.passed += 1
        module.tried += [str(what) for name, what in outcome.user_properties if name == "tried"]


def write() -> None:
    """Write the page, if every module ran."""
    left_out = [module.name for module in _run.values() if module.result == "not run"]
    if left_out:
        raise pytest.UsageError(f"docs/conformance.md not written: did not run {', '.join(left_out)}")
    PAGE.write_text(page(list(_run.values())))


def page(modules: list[Module]) -> str:
    """Return the page."""
    rows = [_row(module) for module in modules]
    reasons = [_reason(reason) for reason in NOT_APPLICABLE]
    return _PAGE.format(count=len(rows), rows="\n".join(rows), reasons="\n".join(reasons))


def _row(module: Module) -> str:
    tried = "<br>".join(dict.fromkeys(module.tried))
    cells = (f"`{module.name}`", module.says("Profile"), module.says(""), module.says("Spec"), tried)
    return "| " + " | ".join([*cells, module.result]) + " |"


def _reason(reason: Reason) -> str:
    return f"| `{reason.module}` | {reason.profile} | {reason.why} |"


_PAGE = """\
# Conformance

This page lists the relying-party modules of the OpenID Foundation's conformance suite that apply to the authorization
code flow: the profiles Basic, Config, Form Post, RP-Initiated Logout, Front-Channel Logout and Back-Channel Logout, and
the methods of client authentication. The tests of this project perform them. It is not a certification by the
Foundation.

Each module is a file in `tests/conformance/` with the same name. In each of them, users sign in to a gated application,
once over WSGI and once over ASGI, at a real provider on loopback, `oidc_gate.testing.TestProvider`, which misbehaves on
purpose. If a sign-in must fail, the test checks that no user is signed in, that the application is not called, that no
session cookie is set, that the page shows the error code below (see [errors.md](errors.md)), and that the log says
which claim was wrong, what was expected and what was received, without any secret.

The test run writes this page: `OIDC_GATE_WRITE_CONFORMANCE=1 python -m pytest tests/conformance`.

## {count} modules

| module | profile | what the provider does | spec | what was tried, over WSGI and ASGI | result |
|---|---|---|---|---|---|
{rows}

## Not applicable

| module | profile | why |
|---|---|---|
{reasons}
"""
