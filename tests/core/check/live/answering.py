"""A browser whose answers a test gives, and the answers of Nginx and of the gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from oidc_gate.check.live.exchanges import Browser, Response

URL = "https://app.example.com/reports"
Answers = Callable[[str, str, Mapping[str, str]], Response]


def response(status: int, body: str = "", *headers: tuple[str, str], kind: str = "text/html") -> Response:
    return Response(URL, "GET /", status, (("Content-Type", kind), *headers), body.encode())


def nginx_page(status: int, title: str) -> Response:
    page = (
        f"<html><body><center><h1>{status} {title}</h1></center><hr><center>nginx/1.24</center></body></html>"
    )
    return response(status, page, ("Server", "nginx"))


def problem(status: int, code: str, **members: str) -> Response:
    body = json.dumps({"status": status, "code": code} | members)
    return response(status, body, kind="application/problem+json")


def redirect(location: str, *headers: tuple[str, str]) -> Response:
    return response(302, "", ("Location", location), *headers)


SIGN_IN = response(401, '<link href="/oauth2/static/a.css"><a href="/oauth2/start?rd=/reports">')
OK = response(200, "OK\n", kind="text/plain")
CONTENT = response(200, "<p>the report</p>")


class Given(Browser):
    """A browser whose answers a function gives."""

    def __init__(self, answers: Answers, *, post: bool = False) -> None:
        super().__init__(post=post, connect="127.0.0.1:443")
        self._answers = answers
        self.connected: dict[str, str] = {}

    def _exchange(
        self, url: str, headers: Mapping[str, str], method: str, described: str, connect: str
    ) -> Response:
        self.connected[url.partition("?")[0]] = connect
        return replace(self._answers(method, url, headers), url=url, sent=described)


def always(answer: Response) -> Given:
    return Given(lambda method, url, headers: answer)
