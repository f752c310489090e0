"""The header fields of every page, in one place."""

from oidc_gate.pages.safe import href

Headers = tuple[tuple[str, str], ...]

# Nginx reads a whole response head into one buffer of 4 or 8 kB, and Set-Cookie needs most of it:
# a longer Refresh goes into the page itself.
MAX_REFRESH_LENGTH = 1_024

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; {script}base-uri 'none'; form-action {form}"


def build_policy(*, scripted: bool = False, has_form: bool = False, framed: bool = False) -> str:
    """Build the Content-Security-Policy of a page.

    Args:
        scripted: the page loads gate.js.
        has_form: the page has a form; it leads to our own origin, and its answer redirects nowhere else.
        framed: other sites may frame the page.

    Spec: CSP Level 3 §6.1, §6.4.1 (form-action), §6.4.2 (frame-ancestors)
    """
    policy = _POLICY.format(
        script="script-src 'self'; " if scripted else "",
        form="'self'" if has_form else "'none'",
    )
    return policy if framed else policy + "; frame-ancestors 'none'"


def build_headers(policy: str, *, referrer: str = "no-referrer", framed: bool = False) -> Headers:
    """Build the header fields that every page carries.

    No Cross-Origin-Opener-Policy: an application that signs in through a popup window needs its
    handle on that window afterwards, and these pages hold nothing that an opener could read.

    Args:
        policy: the Content-Security-Policy.
        referrer: `no-referrer`, since an address of ours may hold a code or a state. The page with
            the sign-out form says `same-origin`: under `no-referrer` a browser sends `Origin: null`
            with a POST, and the sign-out endpoint wants to see our own.
        framed: other sites may frame the page.

    Spec: Fetch §3.2 ("append a request Origin header"), RFC 9111 §5.2.2.5, RFC 7034 §2.1
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
    # Cross-Origin-Resource-Policy would stop a framing page under COEP, so it goes the same way.
    unframed = (("X-Frame-Options", "DENY"), ("Cross-Origin-Resource-Policy", "same-origin"))
    return common if framed else common + unframed


def build_refresh(url: str) -> str:
    """Build the value of a Refresh: at once, to `url`.

    Raises:
        ValueError: an address that no page may show.

    Spec: HTML §4.2.5.3 (shared declarative refresh steps), whose parser reads an unquoted
    address to the end of the value, so that `;` and `'` in it need no quoting.
    """
    return f"0; url={href(url)}"
