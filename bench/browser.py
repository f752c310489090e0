"""A browser that signs in for real, and cheaply: kept connections, a jar for each sign-in, redirects followed."""

from __future__ import annotations

import http.client
import math
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urljoin, urlsplit

MAX_HOPS = 12
SETTLED_SECONDS = 900
_MAX_AGE = re.compile(r"(?:^|;)\s*max-age=(\d+)", re.IGNORECASE)
_NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}


Jar = dict[str, tuple[str, float]]
"""The cookies of one host: value, and age at the most in seconds."""


class Browser:
    """The connections of one thread."""

    def __init__(self) -> None:
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def sign_in(self, url: str) -> str:
        """Open `url`, follow redirects until the callback sends us on, and return the ``Cookie`` header of its host.

        It is that of a quarter of an hour later, and of nearly all of a session's time: cookies that the sign-in
        alone needed are over.

        Raises:
            RuntimeError: It came to an error or to a page before that, or no cookie was set.
        """
        jars: dict[str, Jar] = {}
        home = urlsplit(url).netloc
        for _ in range(MAX_HOPS):
            status, location, body = self._open(url, jars)
            if not location:
                raise RuntimeError(f"{urlsplit(url)._replace(query='').geturl()}: {status} {body[:300]!r}")
            onward = urljoin(url, location)
            # vouch-proxy's callback hands the code on to a second one, which redeems it
            if _has_code(url) and not _has_code(onward):
                break
            url = onward
        kept = {n: value for n, (value, age) in jars.get(home, {}).items() if age >= SETTLED_SECONDS}
        if not kept:
            raise RuntimeError(f"{home} set no cookie")
        return "; ".join(f"{name}={value}" for name, value in kept.items())

    def _open(self, url: str, jars: dict[str, Jar]) -> tuple[int, str, bytes]:
        parts = urlsplit(url)
        jar = jars.setdefault(parts.netloc, {})
        headers = dict(_NAVIGATION)
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, (value, _) in jar.items())
        response, body = self._ask(
            parts.netloc, parts._replace(scheme="", netloc="", fragment="").geturl(), headers
        )
        for line in response.headers.get_all("Set-Cookie") or ():
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            told = _MAX_AGE.search(attributes)
            age = float(told[1]) if told else math.inf
            gone = not value or not age or "01 Jan 1970" in attributes
            jar.pop(name, None) if gone else jar.update({name: (value, age)})
        is_redirect = response.status in (301, 302, 303, 307, 308)
        return response.status, (response.headers.get("Location", "") if is_redirect else ""), body

    def _ask(self, host: str, target: str, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        for attempt in range(2):  # a server may have closed a connection that was kept
            connection = self._connections.setdefault(host, http.client.HTTPConnection(host, timeout=20))
            try:
                connection.request("GET", target or "/", headers=headers)
                response = connection.getresponse()
                return response, response.read()
            except (http.client.HTTPException, OSError):
                connection.close()
                if attempt:
                    raise
        raise AssertionError


def _has_code(url: str) -> bool:
    return "code" in parse_qs(urlsplit(url).query)


def sign_in_often(url: str, times: int, threads: int = 4) -> list[str]:
    """Return the ``Cookie`` headers of so many sign-ins, one after another in each of the threads."""

    def some(count: int) -> list[str]:
        browser = Browser()
        return [browser.sign_in(url) for _ in range(count)]

    threads = max(1, min(threads, times))
    shares = [times // threads + (1 if number < times % threads else 0) for number in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return [cookie for cookies in pool.map(some, shares) for cookie in cookies]
