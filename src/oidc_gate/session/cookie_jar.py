"""The gate's cookies: their names, the only builder that sets and clears them, and the search for them in a header.

Cookies are searched for in the raw ``Cookie`` header without a parser, because this happens for every request of a
signed-in user, and the header may contain 64 KiB of other cookies.
"""

from __future__ import annotations

import re

from ..settings import Settings
from ..syntax.cookie_names import PARTS, own_names_pattern

MAX_VALUES = 4  # the number of cookies with one name that are opened
MAX_HEADER_BYTES = (
    6_999  # of all cookies of the gate; gunicorn and Apache take 8,190 with those of the application
)
FLOW_VALUE_CHARS = 91  # see `oidc_gate.flow.record`
ROUNDS_VALUE_CHARS = 23  # see `oidc_gate.flow.slots`
PART_SEPARATOR = ";"  # no cookie contains it


class Cookies:
    """The names, the attributes and the look-up of the cookies of one gate.

    ``__Host-`` binds a cookie to exactly this host over https (RFC 6265bis §4.1.3.2). With a `cookie_domain` only
    ``__Secure-`` is possible, and over plain http, with `insecure_cookies`, neither.
    """

    def __init__(self, settings: Settings) -> None:
        self.main = settings.cookie_prefix + settings.cookie_name
        self.body, self.body2, self.rounds, *flows = (self.main + part for part in PARTS)
        self.session_names = (self.main, self.body, self.body2)
        self.flows = tuple(flows)
        others = [
            *(len(name) + FLOW_VALUE_CHARS for name in self.flows),
            len(self.rounds) + ROUNDS_VALUE_CHARS,
        ]
        self._session_chars = MAX_HEADER_BYTES - sum(others) - len("=; ") * len(others)
        self._own_names = frozenset((*self.session_names, self.rounds, *self.flows))
        self.needle = self.main + "="
        self.later = "; " + self.needle  # if there are other cookies in front
        domain = f"; Domain={settings.cookie_domain}" if settings.cookie_domain else ""
        secure = "; Secure" if settings.cookie_prefix else ""
        self._attributes = f"; Path=/{domain}{secure}; HttpOnly; SameSite="
        self.samesite = settings.cookie_samesite
        # With form_post the provider's response is a cross-site POST, with which only SameSite=None is sent. Otherwise
        # it is Lax, even if the session is Strict, because the provider's redirect is a cross-site navigation.
        self.flow_samesite = "None" if settings.response_mode == "form_post" else "Lax"
        own = own_names_pattern(self.main)
        # More than `find` reads: applications also take a comma (WebOb) or a space (http.cookies) as the end of a
        # cookie, and remove spaces around a name. Unicode spaces are bytes over 127 here.
        blank = r"[\s\x80-\xff]"
        self._gate_cookies = re.compile(rf"(?:(?:^\s*|[;,]\s*|(?<={blank})){own}{blank}*=[^;,]*)+(,\s*)?")
        self._joint = re.compile(rf",[ \t]*(?={own}=)")

    def set(self, name: str, value: str, *, max_age: int | None, samesite: str = "") -> str:
        """Return a ``Set-Cookie`` value. `max_age` is in seconds; None lasts until the browser is closed."""
        age = "" if max_age is None else f"; Max-Age={max_age}"
        return f"{name}={value}{age}{self._attributes}{samesite or self.samesite}"

    def clear(self, name: str) -> str:
        """Return a ``Set-Cookie`` value that removes the cookie `name`."""
        samesite = self.samesite if name in self.session_names else self.flow_samesite
        return self.set(name, "", max_age=0, samesite=samesite)

    def leave_room(self, *chars: int) -> bool:
        """Return whether there is room for all other cookies of the gate beside a session.

        Args:
            chars: The lengths of the values of its cookies.
        """
        names = self.session_names[: len(chars)]
        return sum(chars) + sum(map(len, names)) + len("=; ") * len(chars) <= self._session_chars

    def session_key(self, value: str, header: str) -> str:
        """Return the text under which a session of several cookies is cached: the values of all of them.

        Args:
            value: The value of the main cookie.
        """
        bodies = self.find(header, self.body) + self.find(header, self.body2)
        return PART_SEPARATOR.join((value, *bodies))

    def find(self, header: str, name: str) -> list[str]:
        """Return up to four values of the cookies named `name` in a ``Cookie`` header, in order.

        The gate's values contain no comma, so a comma ends a value: WSGI servers join two ``Cookie`` headers with it.
        A comma does not begin a cookie, see `separated`.
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
        """Return the names of the gate's cookies in a ``Cookie`` header."""
        if self.main not in header:
            return []
        return [name for name in (*self.session_names, self.rounds, *self.flows) if self.find(header, name)]

    def split(self, header: str) -> tuple[str, str]:
        """Return the first session cookie's value, empty if there is none, and the header without the gate's cookies.

        This runs for every request of a signed-in user. It uses two partitions, and only understands the separator of
        browsers (``; ``). `find` and `without_gate_cookies` handle everything else. A value with a comma opens no
        session.
        """
        before, found, after = header.partition(self.later)
        if not found:
            if not header.startswith(self.needle):
                return "", header
            before, after = "", header[len(self.needle) :]
        value, more, rest = after.partition(";")
        others = before + more + rest if before else rest.removeprefix(" ")
        if self.main in others:
            if (
                self.needle in before
            ):  # another cookie with this name may be in front, and the first one counts
                value = "".join(self.find(header, self.main)[:1])
            others = self.without_gate_cookies(others)
        return value, others

    def without_gate_cookies(self, header: str) -> str:
        """Return a ``Cookie`` header without any cookie of this gate, however the cookies are joined."""
        if self.main not in header:
            return header
        # As browsers send them. The pattern takes twice the time for a session of several cookies.
        header = "; ".join([pair for pair in header.split("; ") if not self._is_plainly_own(pair)])
        if self.main not in header:
            return header
        # A comma after a value of the gate has joined two headers: what follows is the next cookie.
        return self._gate_cookies.sub(lambda match: "; " if match[1] else "", header).lstrip("; ")

    def _is_plainly_own(self, pair: str) -> bool:
        name, equals, _ = pair.partition("=")
        return bool(equals) and name in self._own_names and "," not in pair and ";" not in pair

    def separated(self, header: str) -> str:
        """Return a ``Cookie`` header in which each cookie of this gate that follows a comma is a cookie of its own.

        Danger: A sibling domain can set ``x=1,__Host-oidc_gate=...``, which is a cookie named ``x``. Use this only for
        requests that do not come from a browser.
        """
        return self._joint.sub("; ", header) if self.main in header else header


def _begins_a_cookie(header: str, start: int) -> bool:
    """Return whether the name at `start` is complete: ``=__Host-x=…`` is a nameless cookie (CVE-2023-23934)."""
    return start == 0 or header[start - 1] == ";" or header[max(start - 2, 0) : start] == "; "
