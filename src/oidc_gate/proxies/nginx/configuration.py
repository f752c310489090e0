"""Builds the configuration from ``site.conf`` of this package and the lines that depend on the options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...settings import Settings
from ...syntax.cookie_names import PARTS, own_names_pattern
from ..options import comment, start_command
from ..template import fill, read_template
from ..values import encoded
from . import parts
from .options import NginxOptions, NginxSite


def nginx_configuration(
    settings: Settings, options: NginxOptions, command: Sequence[str] = ("oidc-gate", "nginx")
) -> str:
    """Return a complete configuration for one file inside ``http { }``.

    Args:
        settings: The settings of the gate. None of their secrets is written.
        command: The words of the command that prints this, for a comment.

    Raises:
        OptionError: An option cannot be used, or not with these settings.
    """
    site = NginxSite.of(settings, options)
    text = fill(read_template("nginx/site.conf"), _Values(settings, site, command).all())
    # Behind a proxy that has the certificate, $scheme is http, but users and the gate know https.
    return text.replace("$scheme", "https") if site.plain_port else text


@dataclass(frozen=True)
class _Values:
    settings: Settings
    site: NginxSite
    command: Sequence[str]

    def all(self) -> dict[str, str]:
        """Return the value of every placeholder."""
        settings, site = self.settings, self.site
        shared = self._shared()
        return shared | {
            "about": parts.SEVERAL_HOSTS if site.has_several_hosts else parts.ABOUT[site.form],
            "command": comment(self.command),
            "start": comment(start_command(settings, site.gate)),
            "notes": self._notes(),
            "gate": site.gate,
            "keepalive": str(site.keepalive),
            "upstreams": self._upstreams(),
            "other_cookies": self._other_cookies(),
            "origin_map": "" if settings.allowed_origins else parts.ORIGIN_MAP,
            "cache_zone": parts.CACHE_ZONE.format(seconds=site.verdict_cache) if site.verdict_cache else "",
            "names": " ".join(site.hosts),
            "max_body": site.max_body,
            "prefix_pattern": site.prefix.replace(".", "\\."),
            "authorization_set": parts.AUTHORIZATION_SET if settings.pass_authorization else "",
            "authorization_header": parts.AUTHORIZATION_HEADER if settings.pass_authorization else "",
            "error_401": parts.ERROR_401[site.form].format(prefix=site.prefix),
            "inner_locations": self._inner_locations(),
            "verdict": self._verdict(),
            "restricted": "".join(self._restricted(name, groups) for _, name, groups in site.restricted),
            "start_location": fill(parts.START_LOCATION, shared) if site.form == "redirect" else "",
            "gate_server": self._gate_server(),
            "to_https": self._to_https(),
        }

    def _shared(self) -> dict[str, str]:
        site = self.site
        listen = f"{site.url.port} ssl" if site.is_tls else str(site.plain_port or site.url.port)
        tokens = self.settings.pass_access_token or self.settings.pass_authorization
        common = {
            "listen": f"{listen}",
            "tls": parts.TLS.format(certificate=site.certificate, key=site.certificate_key)
            if site.is_tls
            else "",
            "origin_check": "" if self.settings.allowed_origins else parts.ORIGIN_CHECK,
            "prefix": site.prefix,
            "application": self._application(),
            "other_errors": parts.OTHER_ERRORS.format(prefix=site.prefix),
            "no_body": parts.NO_BODY,
            "gate_request": parts.GATE_REQUEST.format(
                target="$scheme://$http_host$request_uri" if site.has_several_hosts else "$request_uri",
                buffer="32k" if tokens else "16k",
            ),
            "gate_limits": parts.GATE_LIMITS,
            "down_location": parts.DOWN_LOCATION,
        }
        return common | {"gate_location": fill(parts.GATE_LOCATION, common)}

    def _application(self) -> str:
        return "$oidc_application" if self.site.has_several_hosts else "application"

    def _notes(self) -> str:
        settings = self.settings
        without_paths = settings.public_paths and not settings.original_uri_header
        return (parts.PLAIN_PORT_NOTE if self.site.plain_port else "") + (
            parts.PUBLIC_PATHS_NOTE if without_paths else ""
        )

    def _upstreams(self) -> str:
        site = self.site
        if not site.has_several_hosts:
            ((_, _, address),) = site.upstreams
            return parts.UPSTREAM.format(address=address, keepalive=site.keepalive)
        blocks = [
            parts.UPSTREAM_OF_HOST.format(name=name, address=address, keepalive=site.keepalive)
            for name, _, address in site.upstreams
        ]
        width = max(len(host) for _, host, _ in site.upstreams)
        lines = "".join(f"    {host:{width}}  {name};\n" for name, host, _ in site.upstreams)
        return "".join([*blocks, f"map $host $oidc_application {{\n{lines}}}\n"])

    def _other_cookies(self) -> str:
        numbers = range(1, 1 + len((self.settings.cookie_name, *PARTS)))
        groups = [f"(?<oidc_{number}>(?&oidc_others)) (?&oidc_own)" for number in numbers]
        variables = "".join(f"$oidc_{number}" for number in (*numbers, len(groups) + 1))
        values = {
            "cookie_pattern": own_names_pattern(self.settings.cookie_prefix + self.settings.cookie_name),
            "groups": "\n".join(map(" ".join, zip(groups[::2], groups[1::2], strict=True))),
            "most": str(len(groups)),
            "last": str(len(groups) + 1),
            "variables": variables,
        }
        return fill(read_template("nginx/cookies.conf"), values)

    def _inner_locations(self) -> str:
        site = self.site
        blocks = [
            parts.RESTRICTED.format(
                path=path,
                prefix=site.prefix,
                name=name,
                application=self._application(),
                groups=_named(groups),
            )
            for path, name, groups in site.restricted
        ]
        blocks += [
            parts.PUBLIC.format(path=_exact(path), application=self._application()) for path in site.public
        ]
        if site.form != "page":
            blocks += [fill(parts.API, self._shared() | {"path": path}) for path in site.api]
        about = "".join(parts.API_NOTE.format(path=path) for path in site.api) if site.form == "page" else ""
        inside = f"{parts.INNER_LOCATIONS}{''.join(blocks)}" if blocks else ""
        return f"\n{about}{inside}" if about or inside else ""

    def _verdict(self, name: str = "") -> str:
        """Return the directives of the location that asks for the verdict, except `proxy_pass`."""
        settings, site = self.settings, self.site
        lines = [parts.NO_BODY, self._shared()["gate_request"]]
        width = 23
        for header, value in (
            (settings.original_uri_header, "$request_uri"),
            (settings.original_method_header, "$oidc_method"),
        ):
            if header:
                lines.append(f"proxy_set_header {header:{width}}  {value};   # for public_paths\n")
        lines.append(parts.GATE_LIMITS)
        if site.verdict_cache:
            # Neither value contains a space, so two different pairs never give the same key.
            by_path = " $oidc_method $request_uri" if settings.original_uri_header else ""
            rule = name or "auth"
            lines.append(parts.CACHE.format(seconds=site.verdict_cache, by_path=by_path, rule=rule))
        return "".join(lines)

    def _restricted(self, name: str, groups: tuple[str, ...]) -> str:
        return fill(
            parts.RESTRICTED_VERDICT,
            {
                "prefix": self.site.prefix,
                "name": name,
                "groups": encoded(groups),
                "verdict": self._verdict(name),
            },
        )

    def _gate_server(self) -> str:
        """Return the server for the gate's own host, if no application has the same host."""
        site = self.site
        if site.url.host in site.hosts:
            return ""
        return fill(read_template("nginx/gate_server.conf"), self._shared() | {"gate_name": site.url.host})

    def _to_https(self) -> str:
        site = self.site
        if not site.is_tls:
            return ""
        names = dict.fromkeys((*site.hosts, site.url.host))
        port = f":{site.url.port}" if site.url.has_own_port else ""
        return parts.TO_HTTPS.format(names=" ".join(names), port=port)


def _named(groups: tuple[str, ...]) -> str:
    quoted = [f'"{group}"' for group in groups]
    return f"the group {quoted[0]}" if len(quoted) == 1 else f"the groups {', '.join(quoted)}"


def _exact(path: str) -> str:
    return path if path.endswith("/") else f"= {path}"
