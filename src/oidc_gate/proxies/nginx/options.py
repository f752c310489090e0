"""The options of ``oidc-gate nginx``, and their checks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...settings import Settings
from .. import values
from ..options import (
    APPLICATION,
    GATE,
    OptionError,
    PublicURL,
    Restriction,
    check_given_once,
    checked,
    paths,
    public_url,
    restrictions,
)

FORMS = ("page", "page-403", "redirect")
MAX_KEEPALIVE = 1024
MAX_PORT = 65535
MAX_CACHED_SECONDS = 60  # as `oidc-gate check` allows without a warning


@dataclass(frozen=True, kw_only=True)
class NginxOptions:
    """The options of ``oidc-gate nginx``. They are checked by `NginxSite.of`.

    Args:
        form: The answer to a page load without a session: one of `FORMS`.
        upstreams: The address of the application, or those of several as ``HOST=ADDRESS``.
        restricted: Paths for some groups only, each as ``/admin/=admins,staff``.
        public: Paths that need no sign-in.
        api: Paths that scripts use, and that get 401 and JSON in each form.
        certificate: The certificate with its chain, a PEM file; empty for one in ``/etc/nginx/tls``.
        max_body: The largest upload, as Nginx writes it.
        keepalive: The number of idle connections that each worker of Nginx keeps to each upstream.
        plain_port: The port for plain http, if another proxy in front of Nginx has the certificate; 0 if none has.
        verdict_cache: For how many seconds a verdict is cached; 0 if verdicts are not cached.
    """

    form: str = FORMS[0]
    upstreams: tuple[str, ...] = (APPLICATION,)
    gate: str = GATE
    server_name: str = ""
    restricted: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    certificate: str = ""
    certificate_key: str = ""
    max_body: str = "100m"
    keepalive: int = 32
    plain_port: int = 0
    verdict_cache: int = 0


@dataclass(frozen=True, kw_only=True)
class NginxSite:
    """The options after their checks, together with the values that follow from the settings.

    Attributes:
        upstreams: The applications: name of the upstream, host, address. The host is empty if there is only one.
    """

    url: PublicURL
    prefix: str
    form: str
    gate: str
    upstreams: tuple[tuple[str, str, str], ...]
    restricted: tuple[Restriction, ...]
    public: tuple[str, ...]
    api: tuple[str, ...]
    certificate: str
    certificate_key: str
    max_body: str
    keepalive: int
    plain_port: int
    verdict_cache: int

    @property
    def is_tls(self) -> bool:
        """Return whether Nginx itself has the certificate."""
        return self.url.is_tls and not self.plain_port

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the applications."""
        return tuple(host or self.url.host for _, host, _ in self.upstreams)

    @property
    def has_several_hosts(self) -> bool:
        """Return whether the upstreams were given by host."""
        return bool(self.upstreams[0][1])

    @classmethod
    def of(cls, settings: Settings, options: NginxOptions) -> NginxSite:
        """Check the options.

        Raises:
            OptionError: One of them cannot be used, or not with these settings.
        """
        url = public_url(settings, options.server_name)
        if options.form not in FORMS:
            raise OptionError(f"--form: {options.form!r} is none of {', '.join(FORMS)}")
        if not 1 <= options.keepalive <= MAX_KEEPALIVE:
            raise OptionError(f"--keepalive: write a number from 1 to {MAX_KEEPALIVE}")
        if options.plain_port and not url.is_tls:
            raise OptionError("--plain-port: public_url is http already: leave the option out")
        if not 0 <= options.plain_port <= MAX_PORT:
            raise OptionError(f"--plain-port: write a port from 1 to {MAX_PORT}")
        if not 0 <= options.verdict_cache <= MAX_CACHED_SECONDS:
            raise OptionError(f"--verdict-cache: write a number of seconds from 1 to {MAX_CACHED_SECONDS}")
        restricted = restrictions(options.restricted, settings.prefix)
        public = paths("--public", options.public, settings.prefix, may_be_exact=True)
        api = paths("--api", options.api, settings.prefix)
        check_given_once(*public, *api, *(path for path, _, _ in restricted))
        default = "/etc/nginx/tls/" + (settings.cookie_domain or url.host.strip("[]").replace(":", "_"))
        return cls(
            url=url,
            prefix=settings.prefix,
            form=options.form,
            gate=checked("--gate", values.address, options.gate),
            upstreams=_upstreams(options.upstreams, settings, url),
            restricted=restricted,
            public=public,
            api=api,
            certificate=checked("--certificate", values.file, options.certificate or f"{default}.crt"),
            certificate_key=checked(
                "--certificate-key", values.file, options.certificate_key or f"{default}.key"
            ),
            max_body=checked("--max-body", values.size, options.max_body),
            keepalive=options.keepalive,
            plain_port=options.plain_port,
            verdict_cache=options.verdict_cache,
        )


def _upstreams(
    given: tuple[str, ...], settings: Settings, url: PublicURL
) -> tuple[tuple[str, str, str], ...]:
    if len(given) == 1 and "=" not in given[0]:
        return (("application", "", checked("--upstream", values.address, given[0])),)
    found: list[tuple[str, str, str]] = []
    for each in given:
        name, equals, address = each.partition("=")
        if not equals:
            raise OptionError(
                f"--upstream: {each!r} is one of several and has no host: write app.example.com=127.0.0.1:8080"
            )
        host = checked("--upstream", values.host, name)
        if host in [known for _, known, _ in found]:
            raise OptionError(f"--upstream: {host} is given twice")
        _check_reachable(host, settings, url)
        found.append((_upstream_name(host, found), host, checked("--upstream", values.address, address)))
    return tuple(found)


def _upstream_name(host: str, found: list[tuple[str, str, str]]) -> str:
    """Return the first label of the host; if another upstream has that name already, return the whole host."""
    label = host.partition(".")[0]
    is_taken = label in {"oidc_gate", *(name for name, _, _ in found)} or not label[:1].isalpha()
    return "app_" + re.sub(r"[^a-z0-9]", "_", host) if is_taken else label


def _check_reachable(host: str, settings: Settings, url: PublicURL) -> None:
    if host == url.host:
        return
    domain = settings.cookie_domain
    if not settings.public_url or not domain or not host.endswith(f".{domain}"):
        raise OptionError(
            f"--upstream: {host} does not get the session of {url.host}: set public_url to the host of the gate, and "
            "cookie_domain to a domain that both are below (OIDC_GATE_COOKIE_DOMAIN=example.com)"
        )
    allowed = settings.allowed_redirect_hosts
    if host not in allowed and not any(each[0] == "*" and host.endswith(each[1:]) for each in allowed):
        raise OptionError(
            f"--upstream: users could not return to {host} after they sign in: add it to allowed_redirect_hosts "
            f"(OIDC_GATE_ALLOWED_REDIRECT_HOSTS={','.join((*allowed, host))})"
        )
