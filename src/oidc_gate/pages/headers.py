"""The header fields of all pages."""

from oidc_gate.pages.safe import href

Headers = tuple[tuple[str, str], ...]

# Nginx reads all headers of a response into one buffer of 4 or 8 kB, most of which Set-Cookie needs. A longer
# Refresh is therefore written into the page instead.
MAX_REFRESH_LENGTH = 1_024

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; {script}base-uri 'none'; form-action {form}"

_NO_FRAME = "; frame-ancestors 'none'"
_IN_OWN_FRAMES = {"X-Frame-Options": "SAMEORIGIN"}


def build_policy(*, scripted: bool = False, has_form: bool = False, framed: bool = False) -> str:
    """Build the ``Content-Security-Policy`` of a page.

    Args:
        scripted: Whether the page loads gate.js.
        has_form: Whether the page has a form. The form is sent to the gate's own origin, and the answer to it does
            not redirect to another one.
        framed: Whether other sites may show the page in a frame.

    Spec: CSP Level 3 §6.1, §6.4.1 (form-action), §6.4.2 (frame-ancestors).
    """
    policy = _POLICY.format(
        script="script-src 'self'; " if scripted else "",
        form="'self'" if has_form else "'none'",
    )
    return policy if framed else policy + _NO_FRAME


def build_headers(policy: str, *, referrer: str = "no-referrer", framed: bool = False) -> Headers:
    """Build the header fields that every page has.

    There is no ``Cross-Origin-Opener-Policy``: an application that signs in through a popup window needs its
    reference to that window afterwards, and the pages contain nothing that the opener could misuse.

    Args:
        policy: The value of ``Content-Security-Policy``.
        referrer: The value of ``Referrer-Policy``. It is `no-referrer`, because the URL of a page can contain an
            authorization code or a state. The page with the sign-out form uses `same-origin`: with `no-referrer` a
            browser sends ``Origin: null`` with a POST, and the sign-out endpoint requires the gate's own origin.
        framed: Whether other sites may show the page in a frame.

    Spec: Fetch §3.2 ("append a request Origin header"); RFC 9111 §5.2.2.5; RFC 7034 §2.1.
    """
    common = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", referrer),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
        ("X-Robots-Tag", "noindex"),
    )
    # Under COEP, Cross-Origin-Resource-Policy would prevent a page from being framed, so it is left out with the other.
    unframed = (("X-Frame-Options", "DENY"), ("Cross-Origin-Resource-Policy", "same-origin"))
    return common if framed else common + unframed


def allow_own_frames(headers: Headers) -> Headers:
    """Return the header fields of a page that pages of its own origin may show in a frame.

    A page that is itself under ``Cross-Origin-Embedder-Policy`` only shows frames that are under it too.

    Spec: CSP Level 3 §6.4.2; RFC 7034 §2.1; HTML §7.1.4 (cross-origin embedder policies).
    """
    framed = []
    for name, value in headers:
        own = (
            value.replace(_NO_FRAME, "; frame-ancestors 'self'")
            if name == "Content-Security-Policy"
            else value
        )
        framed.append((name, _IN_OWN_FRAMES.get(name, own)))
    return (*framed, ("Cross-Origin-Embedder-Policy", "require-corp"))


def build_refresh(url: str) -> str:
    """Build the value of a ``Refresh`` header that leads to `url` without delay.

    Raises:
        ValueError: `url` is not a URL that a page may contain (see `oidc_gate.pages.safe.href`).

    Spec: HTML §4.2.5.3 (shared declarative refresh steps). Its parser reads an unquoted URL to the end of the value,
    so that `;` and `'` need no quoting.
    """
    return f"0; url={href(url)}"
