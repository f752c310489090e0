"""`docs/events.md` and the code hold the same list of events."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

from oidc_gate.model import Reason, Reply, Request
from oidc_gate.observe import log
from oidc_gate.observe.events import AUDIT, EVENTS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/oidc_gate"


def test_the_page_lists_every_event_with_its_level_and_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", (ROOT / "docs/events.md").read_text(), re.M)
    assert rows == [
        (code, logging.getLevelName(event.level), event.meaning) for code, event in EVENTS.items()
    ]


def test_the_page_lists_every_audit_event_with_its_codes_and_meaning() -> None:
    page = (ROOT / "docs/events.md").read_text()
    table = page.partition("| event | codes | meaning |\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", table, re.M)
    assert rows == [
        (name, ", ".join(f"`{code}`" for code in event.codes) or "any error code", event.meaning)
        for name, event in AUDIT.items()
    ]


def test_the_page_lists_every_field() -> None:
    fields = set(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", (ROOT / "docs/events.md").read_text(), re.M))
    request = Request("GET", "https", "", "/", "/", "")
    reply = Reply(403, reason=Reason("refused", "rule", "detail", (), "subject"))
    assert set(log.fields_of(request, reply, reply.reason, None)) <= fields
    assert {"event", "client", "session_id", "left_out"} <= fields


def test_the_code_uses_every_event_and_no_other() -> None:
    used: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                code = str(node.args[0].value)
                if name in ("because", "Reason", "SessionError"):
                    used.add(code)
                elif name == "SealError":
                    used.add(f"seal_{code}")
    assert used - {""} == set(EVENTS)


def test_no_other_place_in_the_core_logs_a_decision() -> None:
    """Only `Gate.decide` logs decisions; the rooms of the core that decide do not import the log."""
    for file in [*(SOURCE / "endpoints").glob("*.py"), *(SOURCE / "policy").glob("*.py")]:
        assert not re.search(r"observe(\.| import )(log|audit)\b", file.read_text()), file


def test_the_page_on_deployment_lists_every_logger() -> None:
    named = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r'getLogger\("(oidc_gate[^"]*)"\)', path.read_text())
    }
    (line,) = re.findall(
        r"^The gate logs to the loggers (.+):$", (ROOT / "docs/deployment.md").read_text(), re.M
    )
    assert re.findall(r"`([^`]+)`", line) == sorted(named)
