"""The command `oidc-gate sessions`, on SQLite and Redis, and on cookies with and without a store of revocations."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from oidc_gate.cli import main, session_admin
from oidc_gate.endpoints.context import Components
from oidc_gate.errors import SessionError
from oidc_gate.model import Identity, Session
from oidc_gate.runtime.driver import run
from oidc_gate.runtime.world import World
from oidc_gate.settings import Settings
from tests.real.redis_server import redis_server
from tests.shells.stores import sqlite_url

pytestmark = pytest.mark.slow  # each waits for a thread of its store

ISSUER = "https://op.example"
SECRET = "bq2oC4vYkq0tF1rD7zX3mN9sLwE6uHgJ8pRaT5iVnKc"
OTHER_SECRET = "fDXvZ0rQY1xk3s9KJb7mTg5uWn2hE8aLcRpO4yViM6s"


class Gate:
    """One process of the gate, with a browser's cookies for each session."""

    def __init__(self, **settings: Any) -> None:
        given = {"issuer": ISSUER, "client_id": "app", "client_secret": "s", "cookie_secret": (SECRET,)}
        self.settings = Settings(**(given | settings))
        self.world = World(self.settings)
        self.components = Components(self.settings, self.world.store)

    def run(self, step: Any) -> Any:
        return run(step, self.world, lambda limit: b"")

    def sign_in(self, subject: str, *, sid: str = "", session_id: str = "") -> str:
        """Write a session, and return its Cookie header."""
        now = int(time.time())
        session_id = session_id or f"id-of-{subject}-{sid}"
        identity = Identity(
            ISSUER, subject, f"{subject}@Corp.example", session_id=session_id, expires_at=now + 3600
        )
        session = self.run(self.components.sessions.begin(Session(identity, now, now, sid)))
        written = self.run(self.components.sessions.write(session))
        return str(written.set_cookies[0].partition(";")[0])

    def is_on(self, cookie: str) -> bool:
        try:
            self.run(self.components.sessions.read(cookie))
        except SessionError:
            return False
        return True


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield sqlite_url(tmp_path)
        else:
            yield f"redis://127.0.0.1:{stack.enter_context(redis_server(directory=tmp_path)).port}"


def use(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    given = {"issuer": ISSUER, "client_id": "app", "client_secret": "s", "cookie_secret": SECRET} | settings
    for name, value in given.items():
        monkeypatch.setenv(f"OIDC_GATE_{name.upper()}", value)


Output = Any


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Output:
    """What --json prints, with the exit status."""
    status = main(["sessions", *words, "--json"])
    return json.loads(capsys.readouterr().out), status


def test_it_needs_no_directory_of_metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = sqlite_url(tmp_path)
    cookie = (gate := Gate(session_store=url)).sign_in("ada")
    open_to_all = tmp_path / "metrics"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    use(monkeypatch, session_store=url, metrics_token="t" * 20, metrics_directory=str(open_to_all))
    assert told(capsys, "end", "--all") == ({"ended": 1}, 0)
    assert not gate.is_on(cookie)


@pytest.mark.parametrize(
    ("selector", "ended"),
    [
        (("--subject", "ada"), {"ada", "ada-2"}),
        (("--email", "ADA@corp.example"), {"ada", "ada-2"}),
        (("--sid", "sid-2"), {"ada-2"}),
        (("--session", "id-of-bob-"), {"bob"}),
        (("--provider", ISSUER), {"ada", "ada-2", "bob"}),
        (("--all",), {"ada", "ada-2", "bob", "other"}),
        (("--subject", "nobody"), set()),
        (("--session", "made up"), set()),
    ],
)
def test_what_is_selected_is_listed_counted_and_ended(
    url: str,
    selector: tuple[str, ...],
    ended: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(session_admin, "PAGE_ROWS", 2)
    use(monkeypatch, session_store=url)
    gate, other = Gate(session_store=url), Gate(session_store=url, client_id="another")
    cookies = {
        "ada": gate.sign_in("ada", sid="sid-1"),
        "ada-2": gate.sign_in("ada", sid="sid-2"),
        "bob": gate.sign_in("bob"),
    }
    elsewhere = other.sign_in("ada", session_id="of the other gate")
    shown, status = told(capsys, "list", *selector)
    assert status == 0
    assert len(shown["sessions"]) == len(ended - {"other"})
    assert shown["unreadable"] == len(ended & {"other"})
    assert told(capsys, "count", *selector) == ({"count": len(ended)}, 0)
    assert told(capsys, "end", *selector) == ({"ended": len(ended)}, 0 if ended else 1)
    assert {name for name, cookie in cookies.items() if not gate.is_on(cookie)} == ended - {"other"}
    assert other.is_on(elsewhere) is ("other" not in ended)
    assert told(capsys, "count", *selector) == ({"count": 0}, 0)


def test_the_table_shows_who_and_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = sqlite_url(tmp_path)
    use(monkeypatch, session_store=url)
    gate = Gate(session_store=url)
    gate.sign_in("ada")
    gate.sign_in("eve\x1b[2J\n", session_id="s2")
    Gate(session_store=url, cookie_secret=(OTHER_SECRET,)).sign_in("bob")
    assert main(["sessions", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:3] == ["SESSION", "SUBJECT", "E-MAIL"]
    assert any(line.split()[:3] == ["id-of-ada-", "ada", "ada@Corp.example"] for line in lines)
    assert any("eve?[2J?" in line for line in lines)
    assert lines[3] == "1 more, of other gates or sealed under a removed secret"
    assert main(["sessions", "count"]) == 0
    assert capsys.readouterr().out == "3\n"
    assert main(["sessions", "end", "--subject", "ada"]) == 0
    assert capsys.readouterr().out == "1 ended: every process refuses it now\n"
    assert main(["sessions", "end", "--subject", "ada"]) == 1
    assert capsys.readouterr().out == "no such session\n"


def test_a_secret_that_was_added_hides_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = sqlite_url(tmp_path)
    use(monkeypatch, session_store=url, cookie_secret=f"{OTHER_SECRET},{SECRET}")
    cookie = (gate := Gate(session_store=url)).sign_in("ada")
    assert len(told(capsys, "list", "--subject", "ada")[0]["sessions"]) == 1
    assert told(capsys, "end", "--email", "ada@corp.example") == ({"ended": 1}, 0)
    assert not gate.is_on(cookie)


def test_end_waits_for_the_lag_of_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slept: list[float] = []
    with redis_server(directory=tmp_path) as server:
        url = f"redis://127.0.0.1:{server.port}"
        use(monkeypatch, session_store=url, revocation_lag_seconds="0.7")
        Gate(session_store=url).sign_in("ada")
        monkeypatch.setattr("oidc_gate.cli.session_admin.time.sleep", slept.append)
        assert told(capsys, "end", "--all") == ({"ended": 1}, 0)
        assert slept == [0.7]
        assert told(capsys, "end", "--all") == ({"ended": 0}, 1)
        assert slept == [0.7]


@pytest.mark.parametrize(
    ("selector", "ended"),
    [
        (("--subject", "ada"), {"ada", "ada-2"}),
        (("--sid", "sid-2"), {"ada-2"}),
        (("--session", "id-of-bob-"), {"bob"}),
    ],
)
def test_sessions_in_cookies_are_ended_by_a_revocation_store(
    url: str,
    selector: tuple[str, ...],
    ended: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, revocation_store=url)
    gate = Gate(revocation_store=url)
    cookies = {
        "ada": gate.sign_in("ada", sid="sid-1"),
        "ada-2": gate.sign_in("ada", sid="sid-2"),
        "bob": gate.sign_in("bob"),
    }
    assert told(capsys, "end", *selector) == ({"ended": None}, 0)
    assert {name for name, cookie in cookies.items() if not gate.is_on(cookie)} == ended


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["end"], "end needs to know which sessions: write --subject,"),
        (["end", "--subject", ""], "--subject is empty"),
        (["end", "--provider", "https://other.example"], f"the issuer of these settings is {ISSUER}"),
        (["list", "--provider", ""], "--provider is empty"),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = sqlite_url(tmp_path)
    use(monkeypatch, session_store=url)
    gate = Gate(session_store=url)
    cookie = gate.sign_in("ada")
    assert main(["sessions", *words]) == 2
    assert message in capsys.readouterr().err
    assert gate.is_on(cookie)


def test_one_selector_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["sessions", "end", "--subject", "ada", "--all"])
    assert caught.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_cookies_alone_and_what_their_store_cannot_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch)
    for words in (["list"], ["count"], ["end", "--subject", "ada"]):
        assert main(["sessions", *words]) == 2
        assert "in the browsers alone. Set session_store" in capsys.readouterr().err
    url = f"sqlite://{tmp_path}/ends.db"
    use(monkeypatch, revocation_store=url)
    Gate(revocation_store=url).sign_in("ada")
    for words in (["list"], ["count"]):
        assert main(["sessions", *words]) == 2
        assert "cannot be listed or counted" in capsys.readouterr().err
    for words in (["end", "--email", "a@b.example"], ["end", "--all"], ["end", "--provider", ISSUER]):
        assert main(["sessions", *words]) == 2
        assert f"cannot be found by {words[1]}" in capsys.readouterr().err


def test_no_store_is_made_and_none_of_another_user_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of root would keep the gate out."""
    url = f"sqlite://{tmp_path}/sessions.db"
    use(monkeypatch, session_store=url)
    assert main(["sessions", "list"]) == 2
    assert "has the gate been started" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    Gate(session_store=url).sign_in("ada")
    monkeypatch.setattr("oidc_gate.cli.session_admin.os.geteuid", lambda: 4711)
    assert main(["sessions", "end", "--all"]) == 2
    assert "belongs to another user; run this as the user" in capsys.readouterr().err


def test_a_store_that_does_not_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, session_store="redis://me:hunter2@127.0.0.1:9")
    for words in (["list"], ["count"], ["end", "--all"]):
        assert main(["sessions", *words]) == 2
        err = capsys.readouterr().err
        assert "the store does not answer" in err
        assert "hunter2" not in err
    use(monkeypatch, revocation_store="redis://127.0.0.1:9")
    monkeypatch.delenv("OIDC_GATE_SESSION_STORE")
    assert main(["sessions", "end", "--subject", "ada"]) == 2
    assert "the store does not answer" in capsys.readouterr().err
