"""The gate's cookies: their names, the one builder that sets and clears them, and finding them in a header.

A cookie is found by hand in the raw ``Cookie`` header: this runs for every request of everybody signed in,
and a header may be 64 KiB of other people's cookies.
"""

from __future__ import annotations

import re

from ..settings import Settings

FLOW_SLOTS = 8
MAX_VALUES = 4  # how many cookies of one name are worth opening


class Cookies:
    """Names, attributes and look-up of the cookies of one gate.

    ``__Host-`` binds a cookie to this very host over https (RFC 6265bis §4.1.3.2); with a `cookie_domain` it
    can only be ``__Secure-``; over plain http, where `insecure_cookies` says so, neither.
    """

    def __init__(self, settings: Settings) -> None:
        self.main = settings.cookie_prefix + settings.cookie_name
        self.body = self.main + ".body"
        self.rounds = self.main + ".rounds"
        self.flows = tuple(f"{self.main}.flow{slot}" for slot in range(FLOW_SLOTS))
        self.needle = self.main + "="
        self.later = "; " + self.needle  # where other cookies stand in front
        domain = f"; Domain={settings.cookie_domain}" if settings.cookie_domain else ""
        secure = "; Secure" if settings.cookie_prefix else ""
        self._attributes = f"; Path=/{domain}{secure}; HttpOnly; SameSite="
        self.samesite = settings.cookie_samesite
        # The answer of a provider by form_post is a cross-site POST: only SameSite=None comes along with it.
        # Otherwise Lax, even where the session is Strict: the provider's redirect is a cross-site navigation.
        self.flow_samesite = "None" if settings.response_mode == "form_post" else "Lax"
        own = rf"{re.escape(self.main)}(?:\.(?:body|rounds|flow[0-{FLOW_SLOTS - 1}]))?"
        # More than `find` reads: applications also take a comma (WebOb) or a blank (http.cookies) for the end of a
        # cookie, and drop blanks around a name; those of Unicode are bytes over 127 here.
        blank = r"[\s\x80-\xff]"
        self._gate_cookies = re.compile(rf"(?:(?:^\s*|[;,]\s*|(?<={blank})){own}{blank}*=[^;,]*)+(,\s*)?")
        self._joint = re.compile(rf",[ \t]*(?={own}=)")

    def set(self, name: str, value: str, *, max_age: int | None, samesite: str = "") -> str:
        """Return a ``Set-Cookie`` value; `max_age` in seconds, None for as long as the browser runs."""
        age = "" if max_age is None else f"; Max-Age={max_age}"
        return f"{name}={value}{age}{self._attributes}{samesite or self.samesite}"

    def clear(self, name: str) -> str:
        """Return a ``Set-Cookie`` value that removes `name`, whatever it holds."""
        samesite = self.samesite if name in (self.main, self.body) else self.flow_samesite
        return self.set(name, "", max_age=0, samesite=samesite)

    def find(self, header: str, name: str) -> list[str]:
        """Return up to four values of the cookies called `name` in a ``Cookie`` header, in order.

        No value of ours holds a comma, so that a comma ends one: WSGI servers join two ``Cookie`` headers with it.
        It does not begin one, see `separated`.
        """
        needle = name + "="
        values: list[str] = []
        start = header.find(needle)
        while start >= 0 and len(values) < MAX_VALUES:
            end = header.find(";", start)
            end = len(header) if end < 0 else end
            if _begins_a_cookie(header, start):
                values.append(header[start + len(needle) : end].partition(",")[0])
            start = header.find(needle, end)
        return values

    def names_in(self, header: str) -> list[str]:
        """Return which of the gate's own cookies stand in a ``Cookie`` header."""
        if self.main not in header:
            return []
        return [name for name in (self.main, self.body, self.rounds, *self.flows) if self.find(header, name)]

    def split(self, header: str) -> tuple[str, str]:
        """Return the value of the first session cookie, empty if there is none, and the header without what is ours.

        For the path of everybody signed in: two cuts, and only what a browser writes (``; `` between cookies) is
        understood. `find` and `without_gate_cookies` take what is left. A value with a comma in it opens nothing.
        """
        before, found, after = header.partition(self.later)
        if not found:
            if not header.startswith(self.needle):
                return "", header
            before, after = "", header[len(self.needle) :]
        value, more, rest = after.partition(";")
        others = before + more + rest if before else rest.removeprefix(" ")
        if self.main in others:
            if self.needle in before:  # another of that name may stand in front, and the first one counts
                value = "".join(self.find(header, self.main)[:1])
            others = self.without_gate_cookies(others)
        return value, others

    def without_gate_cookies(self, header: str) -> str:
        """Return a ``Cookie`` header without any cookie of this gate, whatever joins the cookies."""
        if self.main not in header:
            return header
        # A comma behind a value of ours joined two headers: what follows is the next cookie.
        return self._gate_cookies.sub(lambda match: "; " if match[1] else "", header).lstrip("; ")

    def separated(self, header: str) -> str:
        """Return a ``Cookie`` header in which each cookie of this gate that follows a comma begins a cookie.

        Danger: A sibling domain can set ``x=1,__Host-oidc_gate=...``, a cookie called ``x``. Use this only for
        requests that do not come from a browser.
        """
        return self._joint.sub("; ", header) if self.main in header else header


def _begins_a_cookie(header: str, start: int) -> bool:
    """Tell whether the name at `start` is whole: ``=__Host-x=…``, a nameless cookie, is none (CVE-2023-23934)."""
    return start == 0 or header[start - 1] == ";" or header[max(start - 2, 0) : start] == "; "
