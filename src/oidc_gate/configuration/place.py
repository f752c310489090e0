"""Checks of where the application is, and whom it believes about that."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from .addresses import SAFE_PATH, ascii_host, is_ip, is_loopback, read_url
from .report import Report

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 §5.6.2
_PORT = re.compile(r":([1-9][0-9]{0,4})\Z")


def check_public_url(report: Report) -> None:
    """Check `public_url` and write it as a browser would, without a trailing slash."""
    settings = report.settings
    if settings.public_url is None:
        return
    address = read_url(report, "public_url", settings.public_url)
    if address is None:
        report.drop("public_url")
        return
    path = address.path.rstrip("/")
    if path and not is_plain_path(path):
        report.unusable("public_url", "url_path", value=settings.public_url)
        return
    if address.scheme == "http" and not (settings.insecure_cookies or is_loopback(address.host)):
        hint = "write https; or set insecure_cookies, if nobody else can listen on the way"
        report.fault("public_url", "url_http", value=settings.public_url, host=address.host, hint=hint)
    if address.scheme == "https" and settings.insecure_cookies:
        report.fault("insecure_cookies", "insecure_needless")
    report.put("public_url", address.origin + path)


def is_plain_path(path: str) -> bool:
    """Tell whether `path` is ``/a/b``: no trailing slash, no empty or dot segment, nothing to encode."""
    return bool(SAFE_PATH.fullmatch(path)) and {".", ".."}.isdisjoint(path.split("/"))


def check_prefix(report: Report) -> None:
    """Check the path that the endpoints stand under."""
    if not is_plain_path(report.settings.prefix):
        report.fault("prefix", "prefix_malformed", value=report.settings.prefix)


def check_trusted_proxies(report: Report) -> None:
    """Check the networks that may say where a request came from, and write them in their normal form."""
    normal = []
    for item in report.settings.trusted_proxies:
        try:
            network = ip_network(item) if "/" in item else None
            normal.append(str(network or (item if item == "unix" else ip_address(item))))
        except ValueError:
            report.fault("trusted_proxies", "network_malformed", value=item, hint=_network_hint(item))
            continue
        if network is not None and network.prefixlen == 0:
            report.fault("trusted_proxies", "network_everything", value=item)
    report.put("trusted_proxies", tuple(normal))


def _network_hint(item: str) -> str:
    if item in ("*", "all", "any"):
        return "name the addresses of the proxies: everybody else could claim any host and address"
    try:
        return f"write {ip_network(item, strict=False)}"
    except ValueError:
        return "write addresses as 10.0.0.5, networks as 10.0.0.0/8, or unix; names are not looked up"


def check_original_headers(report: Report) -> None:
    """Check the two headers by which a trusted proxy tells what the visitor asked for."""
    settings = report.settings
    names = {name: getattr(settings, name) for name in ("original_uri_header", "original_method_header")}
    for name, value in names.items():
        other = next(key for key in names if key != name)
        if value is None:
            continue
        if not _HEADER.fullmatch(value):
            report.fault(name, "header_malformed", value=value)
        if names[other] is None:
            report.fault(name, "needs", because=(other,), needs=other)
        if not settings.trusted_proxies:
            report.fault(name, "needs", because=("trusted_proxies",), needs="trusted_proxies")
    uri, method = names.values()
    if uri and method and uri.lower() == method.lower():
        report.fault("original_method_header", "header_same", value=method)


def check_redirect_hosts(report: Report) -> None:
    """Check further hosts to return to, and write them in lower case and ASCII."""
    normal = []
    for item in report.settings.allowed_redirect_hosts:
        star, name = ("*.", item[2:]) if item.startswith("*.") else ("", item)
        match = _PORT.search(name)
        host = ascii_host(name[: match.start()] if match else name)
        hint = "write the host alone, as app.example.com, *.example.com or app.example.com:8443"
        if not host or (match and int(match[1]) > 65535) or (":" in host and not name.startswith("[")):
            code = "host_too_wide" if item in ("*", "*.*", "*.") else "host_malformed"
            report.fault("allowed_redirect_hosts", code, value=_no_userinfo(item), hint=hint)
        elif star and ("." not in host or is_ip(host)) and host != "localhost":
            report.fault("allowed_redirect_hosts", "host_too_wide", value=item)
        else:
            normal.append(star + host + (match[0] if match else ""))
    report.put("allowed_redirect_hosts", tuple(normal))


def check_origins(report: Report) -> None:
    """Check further origins that may open WebSockets, and write them as browsers do.

    Spec: RFC 6454 §6.2; RFC 6455 §10.2.
    """
    normal = []
    for item in report.settings.allowed_origins:
        if "://" not in item or "*" in item or item.count("/") > 2:
            report.fault("allowed_origins", "origin_malformed", value=_no_userinfo(item))
        elif address := read_url(report, "allowed_origins", item):
            if address.scheme == "http" and not (
                is_loopback(address.host) or report.settings.insecure_cookies
            ):
                hint = "write https: whoever is on the way can be any http origin"
                report.fault("allowed_origins", "url_http", value=item, host=address.host, hint=hint)
            normal.append(address.origin)
    report.put("allowed_origins", tuple(normal))


def _no_userinfo(text: str) -> str:
    return "a text with an @" if "@" in text else text
