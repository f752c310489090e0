"""The one frame around every page, and the few pieces that pages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup

from oidc_gate.pages.assets import asset_url
from oidc_gate.pages.headers import MAX_REFRESH_LENGTH, Headers, build_headers, build_policy, build_refresh
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
    """A page to answer with: the body in UTF-8 and every header field but `Content-Length` and `Vary`."""

    body: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Branding:
    """What all pages of one gate share.

    Args:
        static_url: where the CSS, script and icon are served, such as `/base/oauth2/static`.
        application_name: what people call the application; empty for neutral wording.
    """

    static_url: str
    application_name: str = ""

    @classmethod
    def of(cls, static_url: str, application_name: str | None) -> Branding:
        """Build the value, the name made harmless to read."""
        return cls(static_url, clean(application_name or "", MAX_NAME_LENGTH))

    def name_or(self, neutral: str) -> Markup:
        """Return the application's name as HTML, or neutral words where there is none."""
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
    """Put a page together: the frame, the header fields, and the Refresh where there is one.

    Args:
        branding: what all pages share.
        heading: the h1, and the first half of the title.
        content: what follows the h1, in reading order.
        footer: what support asks for.
        refresh_url: where the browser goes by itself, at once.
        scripted: load gate.js.
        has_form: the page has a form.
        extra_headers: header fields of this page alone.

    Raises:
        ValueError: an address that no page may show.
    """
    refresh_headers, head = _build_refresh_parts(refresh_url)
    if scripted:
        script_url = asset_url(branding.static_url, "gate.js")
        # "defer": the links are there when it runs, and the load event, which Refresh waits for, is not.
        head += Markup('<script src="{}" defer></script>\n').format(script_url)
    text = clean(heading.striptags() if isinstance(heading, Markup) else heading, MAX_TITLE_LENGTH)
    has_name = not branding.application_name or branding.application_name in text
    document = _DOCUMENT.format(
        head=head,
        title=text if has_name else f"{text} · {branding.application_name}",
        icon=asset_url(branding.static_url, "icon.svg"),
        css=asset_url(branding.static_url, "gate.css"),
        name=Markup("<span>{}</span>").format(isolated(branding.application_name))
        if branding.application_name
        else "",
        heading=heading if isinstance(heading, Markup) else text,
        content=Markup("").join(content),
        footer=footer,
    )
    policy = build_policy(scripted=scripted, has_form=has_form)
    common = build_headers(policy, referrer="same-origin" if has_form else "no-referrer")
    return Page(document.encode("utf-8"), common + refresh_headers + extra_headers)


def _build_refresh_parts(url: str | None) -> tuple[Headers, Markup]:
    if url is None:
        return (), _NOTHING
    refresh = build_refresh(url)
    if len(refresh) <= MAX_REFRESH_LENGTH:
        return (("Refresh", refresh),), _NOTHING
    return (), Markup('<meta http-equiv="refresh" content="{}">\n').format(refresh)


def isolated(text: str) -> Markup:
    """Wrap somebody else's words so that their writing direction does not reorder ours."""
    return Markup("<bdi>{}</bdi>").format(text)


def _isolated_address(text: str) -> Markup:
    # A long e-mail address breaks after the "@" rather than anywhere.
    local, at, domain = text.rpartition("@")
    return Markup("<bdi>{}{}<wbr>{}</bdi>").format(local, at, domain) if at else isolated(text)


def paragraph(text: str | Markup, kind: str = "quiet") -> Markup:
    """Build a paragraph; a plain string is bounded and escaped, an empty one is left out."""
    words = text if isinstance(text, Markup) else clean(text, MAX_SENTENCE_LENGTH)
    return Markup('<p class="{}">{}</p>\n').format(kind, words) if words else _NOTHING


def bullets(lines: Iterable[str]) -> Markup:
    """Build a list of at most twelve sentences, or nothing."""
    items = [
        Markup("<li>{}</li>\n").format(clean(line, MAX_SENTENCE_LENGTH)) for line in islice(lines, _MAX_ROWS)
    ]
    return Markup('<ul class="quiet">\n{}</ul>\n').format(Markup("").join(items)) if items else _NOTHING


def person(label: str) -> Markup:
    """Show who is signed in."""
    name = clean(label, MAX_IDENTITY_LENGTH)
    initial = next((letter for letter in name if letter.isalnum()), "?").upper()[:1]
    return Markup(
        '<p class="person"><span class="initial" aria-hidden="true">{}</span><span>{}</span></p>\n'
    ).format(initial, _isolated_address(name))


def link(url: str | None, label: str, *, second: bool = False, mark: Markup = _NOTHING) -> Markup:
    """Build a link that looks like a button.

    Args:
        url: where to; None is this very address, asked for again.
        label: what it says.
        second: not the first choice on the page.
        mark: further attributes, ours alone: what gate.js looks for, `target`.

    Raises:
        ValueError: an address that no page may show.
    """
    kind = "button second" if second else "button"
    rendered = "" if url is None else href(url)
    return Markup('<a class="{}" href="{}"{}>{}</a>\n').format(
        kind, rendered, mark, clean(label, MAX_NAME_LENGTH)
    )


# gate.js adds the fragment of the current address to the "rd" of links marked so.
RETURNS = Markup(" data-return")
# And goes there by itself when there is one, ahead of the Refresh.
RETURNS_BY_ITSELF = Markup(" data-return data-automatic")
# Opened beside this page, which keeps its place in the history.
IN_A_NEW_TAB = Markup(' target="_blank" rel="noopener"')


def actions(*items: Markup) -> Markup:
    """Put what one can do under what there is to read, the first choice first."""
    return Markup('<div class="actions">\n{}</div>\n').format(Markup("").join(items))


def reference(rows: Iterable[tuple[str, str]]) -> Markup:
    """Build the footer with what support asks for; rows without a value are left out, twelve at the most."""
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
