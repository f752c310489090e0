"""docs/conformance.md: module by module what was tried and how it went, written by the run that tried it."""

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

The relying-party modules of the OpenID Foundation's conformance suite that apply to the authorization code flow,
tried here one by one: Basic, Config, Form Post, RP-Initiated Logout, Front-Channel Logout and Back-Channel Logout
profiles, and the client authentications. This is our own run of them, not a certificate of the Foundation.

Each module is a file in `tests/conformance/` that is named after it. In each, a gated application (as it is shipped,
once as WSGI and once as ASGI) signs people in at a real provider on loopback, `oidc_gate.testing.TestProvider`,
which is told to misbehave. Where a sign-in must fail the test holds the gate to all of this: nobody is signed in, the
application is not called, no session cookie is set, the page shows the stable error code below (`docs/errors.md`), and
the log says which claim it was, what was expected and what came, and no secret.

This page is written by the run: `OIDC_GATE_WRITE_CONFORMANCE=1 python -m pytest tests/conformance`.

## {count} modules

| module | profile | what the provider does | spec | tried, over WSGI and ASGI alike | result |
|---|---|---|---|---|---|
{rows}

## Not applicable

| module | profile | why |
|---|---|---|
{reasons}
"""
