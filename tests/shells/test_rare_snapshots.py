"""More replies as a whole, with their log: those that need special settings, headers or a store."""

from __future__ import annotations

import logging

import pytest

from oidc_gate.store.memory import MemoryStore
from tests.shells import snapshots
from tests.shells.conftest import name_of
from tests.shells.rare_pages import OTHERS, POLLED, SIGN_IN, VERDICTS
from tests.shells.rare_sign_ins import CALLBACK, START
from tests.shells.rare_sign_outs import SIGN_OUT
from tests.shells.site import Shell, Site
from tests.shells.stores import Watched

SHELLS = [Shell("wsgi", "", "/oauth2"), Shell("asyncio", "/base", "/oauth2"), Shell("trio", "", "/-/gate")]
KINDS = CALLBACK | START | VERDICTS | SIGN_IN | SIGN_OUT | OTHERS


@pytest.mark.parametrize("shell", SHELLS, ids=name_of)
@pytest.mark.parametrize("kind", KINDS)
def test_a_rare_reply_is_what_it_was(shell: Shell, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    changes, ask = KINDS[kind]
    if "public_url" in changes:
        changes = changes | {"public_url": changes["public_url"] + shell.mount}
    store = Watched(MemoryStore()) if "session_store" in changes else None
    site = Site(shell, store=store, **changes)
    with caplog.at_level(logging.DEBUG, "oidc_gate"):
        answer = ask(site)
    snapshots.check(site, f"rare/{kind}", answer, caplog.records[-1:] if ask in POLLED else caplog.records)


def test_every_rare_snapshot_has_its_kind() -> None:
    assert {file.stem for file in snapshots.FOLDER.glob("rare/*.txt")} == set(KINDS)
