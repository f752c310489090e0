"""The pages of the provider, in light and dark colours, which load nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from urllib.parse import urlsplit

from markupsafe import Markup

from oidc_gate.testing.provider.messages import NO_STORE, Headers, Pairs, Reply
from oidc_gate.testing.provider.people import Person

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --fill: #8881; --key: #2b5fc1; }
@media (prefers-color-scheme: dark) { :root { --key: #8db4ff; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .25rem; }
p { margin: .25rem 0 1.25rem; } small, .quiet { opacity: .75; }
ul { list-style: none; padding: 0; margin: 0; }
button { font: inherit; color: inherit; width: 100%; padding: .7rem .9rem; margin: 0 0 .6rem;
  text-align: start; border: 1px solid var(--line); border-radius: .5rem; background: var(--fill);
  cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--key); outline: 2px solid var(--key); }
button strong, button small { display: block; }
button.plain { width: auto; background: none; padding: .4rem .9rem; }
iframe { display: none; }
"""
_SUBMIT = "document.forms[0].submit()"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page(
    title: str,
    body: Markup,
    *,
    status: int = 200,
    script: str = "",
    frames: Iterable[str] = (),
    head: str = "",
    headers: Headers = (),
) -> Reply:
    """Return an HTML answer whose policy does not allow it to load anything."""
    policy = f"default-src 'none'; style-src {_hash(_STYLE)}; base-uri 'none'; frame-ancestors 'none'"
    policy += f"; script-src {_hash(script)}" if script else ""
    policy += f"; frame-src {' '.join(sorted(set(frames)))}" if frames else ""
    html = Markup(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n{head}'
        "<style>{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n{script}</body>\n</html>\n"
    ).format(
        title=title, head=Markup(head), style=Markup(_STYLE), body=body,
        script=Markup("<script>{}</script>\n").format(Markup(script)) if script else "",
    )  # fmt: skip
    guard = (("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"), *NO_STORE, *headers)
    return Reply(status, html.encode(), "text/html; charset=utf-8", guard)


def error_page(message: str, *, status: int = 400) -> Reply:
    """Return a page that shows an error, for cases in which no redirect URI can be trusted.

    Spec: RFC 6749 §4.1.2.1.
    """
    return page(
        "Sign-in error",
        Markup("<h1>This request cannot be answered</h1>\n<p>{}</p>").format(message),
        status=status,
    )


def choose_person(
    client_id: str,
    people: Iterable[Person],
    transaction: str,
    login_hint: str | None,
    *,
    consent: bool,
    action: str,
) -> Reply:
    """Return the page that lists the users, with the one of `login_hint` first."""
    hinted = sorted(
        people, key=lambda person: login_hint not in (person.sub, person.email, person.preferred_username)
    )
    buttons = Markup("\n").join(_button(person) for person in hinted)
    asked = "It asks for your consent." if consent else "This provider is for tests and asks for no password."
    body = Markup(
        "<h1>Who is signing in to {client}?</h1>\n<p class=quiet>{asked}</p>\n"
        '<form method="post" action="{action}">\n'
        '<input type="hidden" name="transaction" value="{transaction}">\n'
        "<ul>\n{buttons}\n</ul>\n"
        '<button class="plain" name="deny" value="1">Cancel</button>\n</form>'
    ).format(client=client_id, asked=asked, action=action, transaction=transaction, buttons=buttons)
    return page(f"Sign in to {client_id}", body)


def _button(person: Person) -> Markup:
    known_as = person.name or person.preferred_username or person.sub
    below = ", ".join(filter(None, (person.email or person.sub, *person.groups)))
    return Markup(
        '<li><button name="sub" value="{sub}"><strong>{name}</strong><small>{below}</small></button></li>'
    ).format(sub=person.sub, name=known_as, below=below)


def _hidden(params: Pairs) -> Markup:
    return Markup("\n").join(
        Markup('<input type="hidden" name="{}" value="{}">').format(name, value) for name, value in params
    )


def form_post(redirect_uri: str, params: Pairs, *, headers: Headers = ()) -> Reply:
    """Return the response as a form that submits itself.

    Spec: OAuth 2.0 Form Post Response Mode §2.
    """
    body = Markup(
        '<h1>Signing in</h1>\n<form method="post" action="{uri}">\n{fields}\n'
        "<button>Continue</button>\n</form>"
    ).format(uri=redirect_uri, fields=_hidden(params))
    return page("Signing in", body, script=_SUBMIT, headers=headers)


def confirm_sign_out(params: Pairs, *, action: str) -> Reply:
    """Return the page that asks before signing out a user without an id_token_hint.

    Spec: OpenID Connect RP-Initiated Logout §2, §6.
    """
    body = Markup(
        "<h1>Sign out here?</h1>\n<p>You are signed in at this provider.</p>\n"
        '<form method="post" action="{action}">\n{fields}\n'
        '<button name="confirm" value="1">Sign out</button>\n</form>'
    ).format(action=action, fields=_hidden(params))
    return page("Sign out", body)


def signed_out(frame_uris: Iterable[str], onward: str | None, *, headers: Headers = ()) -> Reply:
    """Return the page that notifies the clients through frames and then continues.

    Spec: OpenID Connect Front-Channel Logout §3.
    """
    uris = list(frame_uris)
    frames = Markup("\n").join(
        Markup('<iframe src="{}" title="sign-out"></iframe>').format(uri) for uri in uris
    )
    link = Markup('<p><a href="{}">Continue</a></p>\n').format(onward) if onward else Markup("")
    head = (
        Markup('<meta http-equiv="refresh" content="1; url={}">\n').format(onward) if onward else Markup("")
    )
    body = Markup("<h1>You are signed out</h1>\n{}{}").format(link, frames)
    origins = [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, uris)]
    return page("Signed out", body, frames=origins, head=head, headers=headers)


__all__ = ["choose_person", "confirm_sign_out", "error_page", "form_post", "page", "signed_out"]
