"""Rare answers of the endpoints that end sessions."""

from __future__ import annotations

import re
from typing import Any

from tests.shells.driving import Answer
from tests.shells.provider import ISSUER
from tests.shells.rare_requests import (
    ALONE,
    FRAME,
    OTHER_HOST,
    STORE,
    asks,
    on_host,
)
from tests.shells.site import NAVIGATION, ORIGIN, Site
from tests.shells.stores import Watched
from tests.shells.test_sign_out import logout_token
from tests.shells.test_snapshots import (
    CROSS,
    FORM,
    SAME,
    Ask,
    Kind,
)

# --- the sign-out ------------------------------------------------------------------------------------------


def signs_out(query: str = "", headers: dict[str, str] | None = None, **tokens: Any) -> Ask:
    """Sign in, and sign out with a POST of a page of this site."""

    def ask(site: Site) -> Answer:
        site.provider.tokens |= tokens
        visitor = site.visitor()
        visitor.sign_in()
        return visitor.ask(f"sign_out{query}", SAME | (headers or {}), "POST")

    return ask


def comes_back(query: str = "", forged: str = "", *, signed_in_again: bool = False) -> Ask:
    """Sign out, and come back from the provider."""

    def ask(site: Site) -> Answer:
        onward = site.person().ask(f"sign_out{query}", SAME, "POST").header("location")
        state = re.findall(r"state=([^&]+)", onward)[0]
        visitor = site.person() if signed_in_again else site.visitor()
        return visitor.navigate(f"{site.path('signed_out')}?state={state}{forged}")

    return ask


def presses(site: Site) -> Answer:
    """Press the button of the page that asks."""
    visitor = site.person()
    page = visitor.ask("sign_out?rd=/reports", NAVIGATION | CROSS)
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', page.text)
    headers = NAVIGATION | FORM | CROSS | {"Origin": "null"}
    return visitor.open("POST", site.path("sign_out"), headers, f"form_token={token}".encode())


def token_of(site: Site, **changes: Any) -> bytes:
    return f"logout_token={logout_token(site, **changes)}".encode()


def back_channel(body: Any = token_of, times: int = 1, *, is_down: bool = False) -> Ask:
    """Send a logout token, and return the last answer."""

    def ask(site: Site) -> Answer:
        visitor = site.visitor()
        visitor.sign_in()
        store = site.world.store
        if is_down:
            assert isinstance(store, Watched)
            store.is_down = True
        sent = body(site) if callable(body) else body
        answers = [
            site.visitor().open("POST", site.path("backchannel_logout"), FORM, sent) for _ in range(times)
        ]
        return answers[-1]

    return ask


def front_channel(query: str, *, with_cookie: bool = False, is_other: bool = False, times: int = 1) -> Ask:
    """Load the endpoint in a frame of the provider's sign-out page."""

    def ask(site: Site) -> Answer:
        site.provider.person["sid"] = "another" if is_other else "s-1"
        visitor = site.visitor()
        visitor.sign_in()
        who = visitor if with_cookie else site.visitor()
        headers = FRAME | CROSS
        answers = [who.ask(f"frontchannel_logout?{query}", headers) for _ in range(times)]
        return answers[-1]

    return ask


NAMED = f"iss={ISSUER}&sid=s-1"
SIGN_OUT: dict[str, Kind] = {
    "sign_out-rd": ({}, signs_out("?rd=/reports")),
    "sign_out-foreign-rd": ({}, signs_out("?rd=https://evil.example/")),
    "sign_out-id-token": ({"keep_id_token": True}, signs_out()),
    "sign_out-page-rd": ({"after_sign_out_url": "/bye"}, signs_out("?rd=/reports", NAVIGATION | FORM)),
    "sign_out-stored": (STORE | {"refresh": True}, signs_out(refresh_token="rt")),
    "sign_out-without-session": ({}, asks("sign_out", NAVIGATION | SAME, "POST")),
    "sign_out-asked-rd": ({}, asks("sign_out?rd=/reports", NAVIGATION | CROSS, subject="alice")),
    "sign_out-asked-long-rd": ({}, asks(f"sign_out?rd=/{'x' * 1100}", NAVIGATION | CROSS, subject="alice")),
    "sign_out-asked-referer": (
        {},
        asks("sign_out", NAVIGATION | CROSS | {"Referer": f"{ORIGIN}/reports"}, subject="alice"),
    ),
    "sign_out-asked-frame": ({}, asks("sign_out", FRAME, subject="alice")),
    "sign_out-asked-anonymous": ({}, asks("sign_out", NAVIGATION | CROSS)),
    "sign_out-pressed": ({}, presses),
    "sign_out-other-host": (
        OTHER_HOST | {"public_url": ORIGIN, "after_sign_out_url": "/bye"},
        on_host("wiki.example.com", "sign_out", NAVIGATION | SAME, person=True),
    ),
    "signed_out-target": ({}, comes_back("?rd=/reports")),
    "signed_out-configured": ({"after_sign_out_url": "https://www.example.com/bye"}, comes_back()),
    "signed_out-forged": ({}, comes_back("?rd=/reports", "x")),
    "signed_out-state-twice": ({}, comes_back("", "&state=x")),
    "signed_out-signed-in-again": ({}, comes_back("?rd=/reports", signed_in_again=True)),
    "backchannel_logout": (ALONE, back_channel()),
    "backchannel_logout-stored": (STORE, back_channel()),
    "backchannel_logout-sid": (STORE, back_channel(lambda site: token_of(site, sub=None, sid="s-1"))),
    "backchannel_logout-replay": (STORE, back_channel(times=2)),
    "backchannel_logout-twice": (ALONE, back_channel(lambda site: token_of(site) + b"&logout_token=x")),
    "backchannel_logout-no-token": (ALONE, back_channel(b"token=x")),
    "backchannel_logout-503": (STORE, back_channel(is_down=True)),
    "frontchannel_logout-own": ({}, front_channel(NAMED, with_cookie=True)),
    "frontchannel_logout-another-session": ({}, front_channel(NAMED, with_cookie=True, is_other=True)),
    "frontchannel_logout-twice": ({}, front_channel(NAMED, times=2)),
    "frontchannel_logout-alone": (ALONE, front_channel(NAMED)),
    "frontchannel_logout-stored": (STORE, front_channel(NAMED)),
    "frontchannel_logout-other-issuer": ({}, front_channel("iss=https://evil.example&sid=s-1")),
    "frontchannel_logout-iss-twice": ({}, front_channel(f"{NAMED}&iss={ISSUER}")),
    "frontchannel_logout-not-utf8": ({}, front_channel("iss=%ff&sid=s-1")),
    "frontchannel_logout-no-sid": ({}, front_channel(f"iss={ISSUER}")),
    "frontchannel_logout-long-sid": ({}, front_channel(f"iss={ISSUER}&sid={'s' * 256}")),
    "frontchannel_logout-longest-sid": ({}, front_channel(f"iss={ISSUER}&sid={'s' * 255}")),
}
