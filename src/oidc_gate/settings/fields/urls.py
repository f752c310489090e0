"""Where the application is, and which places around it are trusted."""

from dataclasses import dataclass
from typing import Annotated

from ..constraints import Trait


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class URLFields:
    """Where the application is, and which places around it are trusted."""

    public_url: str | None = None
    """URL of this application as users see it, such as `https://app.example.com/base`. The redirect URI, the cookie
    attributes and the mount path follow from it. By default they follow from the scheme, the host and the mount path
    of each request, where `X-Forwarded-*` headers are used from trusted proxies only. `http` is accepted on loopback,
    and elsewhere together with `insecure_cookies`."""
    prefix: str = "/oauth2"
    """Path of the gate's endpoints below the mount path, with a leading slash and no trailing slash."""
    trusted_proxies: tuple[str, ...] = ()
    """Proxies whose `X-Forwarded-*` headers are trusted: IP addresses, networks such as `10.0.0.0/8`, or `unix` for
    every peer on a Unix socket. A network of all addresses is not accepted."""
    original_uri_header: str | None = None
    """Header in which a trusted proxy sends the URI that the user requested, so that `public_paths` apply on
    `/oauth2/auth`. It needs `original_method_header` and `trusted_proxies`."""
    original_method_header: str | None = None
    """Header in which a trusted proxy sends the method that the user requested. It needs `original_uri_header` and
    `trusted_proxies`."""
    allowed_redirect_hosts: Annotated[tuple[str, ...], Trait.NOT_EMPTY] = ()
    """Other hosts that a user may be sent to after sign-in and sign-out: `h`, `h:8443`, or `*.h` for every host
    below `h`."""
    after_sign_out_url: str | None = None
    """Where users go after sign-out, unless the link has an `rd`: a path on this host, such as `/goodbye`, or an
    absolute URL, such as `https://www.example.com/`. By default, a page of the gate says that they are signed out. The
    post-logout redirect URI to register at the provider stays `/oauth2/signed_out`."""
    allowed_origins: Annotated[tuple[str, ...], Trait.NOT_EMPTY] = ()
    """Other origins whose pages may open WebSockets and may read the gate's 401 and 403 answers, such as
    `https://other.example.com`. The gate answers their CORS preflights, unless `public_paths` lets them through to
    the application. The application's own origin needs none of this.

    Spec: RFC 6455 §10.2; Fetch §3.3.
    """
