"""The HTML document around every page, and the elements that pages consist of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from markupsafe import Markup

from oidc_gate.pages.assets import asset_url
from oidc_gate.pages.headers import (
    MAX_REFRESH_LENGTH,
    Headers,
    allow_own_frames,
    build_headers,
    build_policy,
    build_refresh,
)
from oidc_gate.pages.safe import (
    MAX_DETAIL_LENGTH,
    MAX_IDENTITY_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SENTENCE_LENGTH,
    MAX_TITLE_LENGTH,
    clean,
    href,
)

_MAX_ROWS = 12
_NOTHING = Markup("")
_SIGN_IN = re.compile("([Ss]ign-in)")

_DOCUMENT = Markup("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{head}<title>{title}</title>
<link rel="icon" type="image/svg+xml" href="{icon}">
<link rel="stylesheet" href="{css}">
</head>
<body>
<header><img src="{icon}" alt="" width="32" height="32">{name}</header>
<main>
<h1>{heading}</h1>
{content}</main>
{footer}</body>
</html>
""")


@dataclass(frozen=True, slots=True)
class Page:
    """The body of a page in UTF-8, and all of its header fields except ``Content-Length`` and ``Vary``."""

    body: bytes
    headers: Headers

    def for_own_frames(self) -> Page:
        """Return this page in a form that pages of its own origin can show in a frame. Its links open at the top."""
        head, _, rest = self.body.partition(b"<head>\n")
        body = head + b'<head>\n<base target="_top">\n' + rest
        return Page(body, allow_own_frames(self.headers))


@dataclass(frozen=True, slots=True)
class Branding:
    """The values that all pages of a gate share.

    Args:
        static_url: The path below which the CSS, the script and the icon are served, such as `/base/oauth2/static`.
        application_name: The name of the application. If it is empty, the pages use neutral words.
    """

    static_url: str
    application_name: str = ""

    @classmethod
    def of(cls, static_url: str, application_name: str | None) -> Branding:
        """Return the value with a name that is safe to show (see `oidc_gate.pages.safe.clean`)."""
        return cls(static_url, clean(application_name or "", MAX_NAME_LENGTH))

    def name_or(self, neutral: str) -> Markup:
        """Return the name of the application as HTML, or `neutral` if it has no name."""
        return isolated(self.application_name) if self.application_name else Markup.escape(neutral)


def build_page(
    branding: Branding,
    heading: str | Markup,
    content: Iterable[Markup],
    *,
    footer: Markup = _NOTHING,
    refresh_url: str | None = None,
    scripted: bool = False,
    has_form: bool = False,
    extra_headers: Headers = (),
) -> Page:
    """Build a page: the HTML document, the header fields, and a ``Refresh`` if there is one.

    Args:
        branding: The values that all pages share.
        heading: The text of the h1 element, which is also the first part of the title.
        content: The elements after the heading, in reading order.
        footer: The values that a user reports to support.
        refresh_url: The URL that the browser opens by itself, without delay.
        scripted: Whether the page loads gate.js.
        has_form: Whether the page has a form.
        extra_headers: Header fields of this page only.

    Raises:
        ValueError: A URL is not one that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    refresh_headers, head = _build_refresh_parts(refresh_url)
    if scripted:
        script_url = asset_url(branding.static_url, "gate.js")
        # With "defer", the script runs when the links exist, but before the load event, for which Refresh waits.
        head += Markup('<script src="{}" defer></script>\n').format(script_url)
    text = clean(heading.striptags() if isinstance(heading, Markup) else heading, MAX_TITLE_LENGTH)
    has_name = branding.application_name in text
    document = _DOCUMENT.format(
        head=head,
        title=text if has_name else f"{text} · {branding.application_name}",
        icon=asset_url(branding.static_url, "icon.svg"),
        css=asset_url(branding.static_url, "gate.css"),
        name=Markup("<span>{}</span>").format(isolated(branding.application_name))
        if branding.application_name
        else "",
        heading=heading if isinstance(heading, Markup) else _keep_words_whole(text),
        content=Markup("").join(content),
        footer=footer,
    )
    policy = build_policy(scripted=scripted, has_form=has_form)
    common = build_headers(policy, referrer="same-origin" if has_form else "no-referrer")
    return Page(document.encode("utf-8"), common + refresh_headers + extra_headers)


def _keep_words_whole(text: str) -> Markup:
    """Return a heading in which no line breaks inside "sign-in", as it would on a phone."""
    parts = _SIGN_IN.split(text)
    whole = (Markup('<span class="whole">{}</span>').format(word) for word in parts[1::2])
    return Markup("").join(chain.from_iterable(zip_longest(parts[::2], whole, fillvalue="")))


def _build_refresh_parts(url: str | None) -> tuple[Headers, Markup]:
    if url is None:
        return (), _NOTHING
    refresh = build_refresh(url)
    if len(refresh) <= MAX_REFRESH_LENGTH:
        return (("Refresh", refresh),), _NOTHING
    return (), Markup('<meta http-equiv="refresh" content="{}">\n').format(refresh)


def isolated(text: str) -> Markup:
    """Isolate the writing direction of text from outside, so that it cannot reorder the text around it."""
    return Markup("<bdi>{}</bdi>").format(text)


def _isolated_address(text: str) -> Markup:
    # A long e-mail address wraps after the "@".
    local, at, domain = text.rpartition("@")
    return Markup("<bdi>{}{}<wbr>{}</bdi>").format(local, at, domain) if at else isolated(text)


def paragraph(text: str | Markup, kind: str = "quiet") -> Markup:
    """Build a paragraph. A plain string is shortened and escaped; an empty one gives no paragraph."""
    words = text if isinstance(text, Markup) else clean(text, MAX_SENTENCE_LENGTH)
    return Markup('<p class="{}">{}</p>\n').format(kind, words) if words else _NOTHING


def bullets(lines: Iterable[str]) -> Markup:
    """Build a list of at most twelve sentences, or nothing if there are none."""
    items = [
        Markup("<li>{}</li>\n").format(clean(line, MAX_SENTENCE_LENGTH)) for line in islice(lines, _MAX_ROWS)
    ]
    return Markup('<ul class="quiet">\n{}</ul>\n').format(Markup("").join(items)) if items else _NOTHING


def person(label: str) -> Markup:
    """Show the name of the user who is signed in."""
    name = clean(label, MAX_IDENTITY_LENGTH)
    initial = next((letter for letter in name if letter.isalnum()), "?").upper()[:1]
    return Markup(
        '<p class="person"><span class="initial" aria-hidden="true">{}</span><span>{}</span></p>\n'
    ).format(initial, _isolated_address(name))


def link(url: str | None, label: str, *, second: bool = False, mark: Markup = _NOTHING) -> Markup:
    """Build a link that looks like a button.

    Args:
        url: The target. None stands for the URL of the page itself, which is then requested again.
        label: The text of the button.
        second: Whether this is not the main action of the page.
        mark: Further attributes, such as `target` or those that gate.js looks for. They are not escaped, so they
            must be constants of this package.

    Raises:
        ValueError: `url` is not a URL that a page may contain (see `oidc_gate.pages.safe.href`).
    """
    kind = "button second" if second else "button"
    rendered = "" if url is None else href(url)
    return Markup('<a class="{}" href="{}"{}>{}</a>\n').format(
        kind, rendered, mark, clean(label, MAX_NAME_LENGTH)
    )


def resend(fields: Iterable[tuple[str, str]], label: str, mark: Markup) -> Markup:
    """Build a form with a button that sends `fields` to the address of the page.

    Args:
        mark: Further attributes of the form. They are not escaped, so they must be constants of this package.
    """
    hidden = [
        Markup('<input type="hidden" name="{}" value="{}">\n').format(_encodable(name), _encodable(value))
        for name, value in fields
    ]
    return Markup('<form method="post"{}>\n{}<button class="button">{}</button>\n</form>\n').format(
        mark, Markup("").join(hidden), clean(label, MAX_NAME_LENGTH)
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


# gate.js adds the fragment of the current URL to the "rd" of links with this attribute.
RETURNS = Markup(" data-return")
# gate.js also opens this link by itself if there is a fragment, before the Refresh does.
RETURNS_BY_ITSELF = Markup(" data-return data-automatic")
# A new tab, so that the page keeps its place in the history.
IN_A_NEW_TAB = Markup(' target="_blank" rel="noopener"')


def actions(*items: Markup) -> Markup:
    """Build the block of buttons below the text, with the main action first."""
    return Markup('<div class="actions">\n{}</div>\n').format(Markup("").join(items))


def reference(rows: Iterable[tuple[str, str]]) -> Markup:
    """Build the footer with the values that a user reports to support.

    Rows without a value are left out, and at most twelve rows are shown.
    """
    rendered = [
        Markup("<div><dt>{}</dt><dd><code>{}</code></dd></div>\n").format(
            clean(label, MAX_NAME_LENGTH), clean(value, MAX_DETAIL_LENGTH)
        )
        for label, value in islice((row for row in rows if row[1]), _MAX_ROWS)
    ]
    return (
        Markup("<footer>\n<dl>\n{}</dl>\n</footer>\n").format(Markup("").join(rendered))
        if rendered
        else _NOTHING
    )
