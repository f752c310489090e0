"""A client that breaks off: its body ends before the length that it declared, and so does the request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shells.conftest import MakeSite
from tests.shells.driving import Upload, environ_of
from tests.shells.site import HOST, NAVIGATION, Shell, Site

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("length", [1, 20_000, 10**9])
@pytest.mark.parametrize("body", [b"", b"state=x&code=y", b"x" * 10_000])
@pytest.mark.parametrize(
    ("endpoint", "status"),
    [("callback", 400), ("sign_out", 403), ("backchannel_logout", 400), ("auth", 401)],
)
def test_an_endpoint_answers(
    make_site: MakeSite, endpoint: str, status: int, body: bytes, length: int
) -> None:
    site = make_site(response_mode="form_post", insecure_single_process_revocation=True)
    upload = Upload(body, 1_000, length=len(body) + length)
    answer = site.visitor().open("POST", site.path(endpoint), FORM, upload=upload)
    assert answer.status == status


@pytest.mark.parametrize(("size", "status"), [(65_536, 303), (65_537, 400)])
def test_an_answer_of_the_provider_has_64_kib_at_the_most(
    make_site: MakeSite, size: int, status: int
) -> None:
    site = make_site(response_mode="form_post")
    visitor = site.visitor()
    begun = visitor.navigate(site.path("start"))
    path, _, query = site.provider.authorize(begun.header("location")).partition("?")
    body = f"{query}&x=".encode()
    answer = visitor.open("POST", path, NAVIGATION | FORM, body + b"y" * (size - len(body)))
    assert (answer.status, "callback_malformed" in answer.text) == (status, status == 400)


@pytest.mark.parametrize("length", [1, 10**9])
def test_what_is_refused_is_read_to_its_end_and_no_further(site: Site, length: int) -> None:
    """What a client still sends is read and dropped, so that it reads the answer and no broken connection."""
    upload = Upload(b"x" * 100_000, length=100_000 + length)
    answer = site.visitor().send("POST", "/form", NAVIGATION | FORM, upload=upload)
    assert (answer.status, upload.taken) == (401, 100_000)


def test_what_is_too_long_is_dropped_up_to_a_mebibyte(site: Site) -> None:
    upload = Upload(b"x" * 5_000_000)
    answer = site.visitor().send("POST", "/form", NAVIGATION | FORM, upload=upload)
    assert answer.status == 401
    assert 1 << 20 <= upload.taken < (1 << 20) + 65536 + 1


def test_a_body_of_no_declared_length_is_read_where_the_server_ends_it(make_site: MakeSite) -> None:
    site = make_site(response_mode="form_post")
    visitor = site.visitor()
    begun = visitor.navigate(f"{site.path('start')}?rd={site.own('/reports')}")
    path, _, query = site.provider.authorize(begun.header("location")).partition("?")
    if site.shell.is_asgi:
        answer = visitor.open("POST", path, NAVIGATION | FORM, upload=Upload(query.encode(), 10))
    else:
        upload = Upload(query.encode(), length=0)
        told: dict[str, Any] = {"wsgi.input_terminated": True}
        answer = visitor.open("POST", path, NAVIGATION | FORM, upload=upload, **told)
    assert (answer.status, answer.header("location")) == (303, site.own("/reports"))


@pytest.mark.parametrize("declared", ["", "x", "-5", "1e3", "٣", "5, 5"])
def test_a_length_that_is_not_a_number_is_no_body_over_wsgi(declared: str) -> None:
    site = Site(Shell("wsgi", "", "/oauth2"))
    upload = Upload(b"form_token=x", length=0)
    environ = environ_of("POST", "/oauth2/sign_out", [("Host", HOST), *FORM.items()], upload, "")
    statuses: list[str] = []
    site.gate(environ | {"CONTENT_LENGTH": declared}, lambda status, headers: statuses.append(status))
    assert (statuses, upload.taken) == (["403 Forbidden"], 0)
