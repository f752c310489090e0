"""Find out why sign-in does not work: check the settings, the provider, Nginx, and a page through it.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names, as for
"oidc-gate serve". The provider gets a few requests that change nothing, among them a token request with a made-up
code. The page gets GET requests without a session, unless --post is given.

Exit status: 0 without errors (with --strict: and without warnings), 1 with some, 2 if something could not be checked.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..settings import Settings
from ..settings.schema import SECRETS
from .common import MAX_PORT, CommandError, count, needing_extra

if TYPE_CHECKING:
    from ..check.report import Report
    from ..provider.discovery import Metadata

EXAMPLES = """
oidc-gate check --config gate.toml
oidc-gate check --config gate.toml --nginx /etc/nginx/nginx.conf --url https://app.example.com/a/page
nginx -T | oidc-gate check --config gate.toml --nginx - --offline
oidc-gate check --config gate.toml --strict --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for what is checked, and for the output."""
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings")
    parser.add_argument(
        "--other-config",
        metavar="FILE",
        action="append",
        default=[],
        help="settings of another gate on the same host, to compare with; may be repeated",
    )
    parser.add_argument(
        "--workers", type=count, help="number of processes of the gate (1, or WEB_CONCURRENCY)"
    )
    parser.add_argument(
        "--nginx", metavar="FILE", help="Nginx's main file, or - for the output of nginx -T on standard input"
    )
    parser.add_argument("--url", type=_url, help="a page that needs a sign-in, as users open it")
    parser.add_argument(
        "--post", action="store_true", help="send the page an empty POST too, if a GET was refused"
    )
    parser.add_argument(
        "--connect",
        type=_address,
        metavar="HOST:PORT",
        help="connect there, not to the host of --url",
    )
    parser.add_argument("--ca-file", metavar="FILE", default="", help="certificate authorities for --url")
    parser.add_argument("--offline", action="store_true", help="send nothing to the provider")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    """Check, print the report, and return the exit status."""
    report = check(options, os.environ)
    print(report.json(strict=options.strict) if options.json else report.text())
    return report.exit_status(strict=options.strict)


def check(options: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Run the parts that `options` ask for.

    Raises:
        CommandError: An argument names a file that cannot be read.
    """
    # Here, because these load the JOSE libraries, and no other command needs them.
    from ..check.report import Report
    from ..check.settings import read_settings

    if options.ca_file and not os.path.isfile(options.ca_file):
        raise CommandError(f"--ca-file: {options.ca_file!r} is not a file that can be read")
    settings, findings = read_settings(options.config, environ)
    report = Report(findings=list(findings))
    metadata = None
    if settings is not None:
        report.secrets = _secrets(settings)
        _check_settings(report, settings, options, environ)
        if not options.offline:
            metadata = _check_provider(report, settings, options)
    elif not options.offline:
        report.not_checked.append("the provider, because the settings cannot work")
    if options.nginx:
        _check_nginx(report, settings, options)
    if options.url:
        _check_page(report, settings, metadata, options)
    return report


def _check_settings(
    report: Report, settings: Settings, options: argparse.Namespace, environ: Mapping[str, str]
) -> None:
    from ..check.questionable import CheckContext
    from ..check.settings import check_settings

    config = options.config or environ.get("OIDC_GATE_CONFIG", "")
    context = CheckContext(
        _workers(options, environ), options.url or "", behind_nginx=bool(options.nginx), config=config
    )
    others = {path: _other_settings(path) for path in options.other_config}
    report.findings += check_settings(settings, context, environ, others)


def _check_provider(report: Report, settings: Settings, options: argparse.Namespace) -> Metadata | None:
    from ..check.provider import check_provider
    from ..check.results import findings_of

    result = check_provider(settings, options.url or "")
    report.answers["provider"], report.addresses = result.answers, result.addresses
    report.findings += findings_of("provider", settings.issuer, result.answers)
    return result.metadata


def _check_nginx(report: Report, settings: Settings | None, options: argparse.Namespace) -> None:
    from ..check.nginx import UnreadableError, check_nginx

    with needing_extra("check", "crossplane"):
        try:
            report.findings += check_nginx(options.nginx, settings)
        except UnreadableError as error:
            report.not_checked.append(f"Nginx: {error}")


def _check_page(
    report: Report, settings: Settings | None, metadata: Metadata | None, options: argparse.Namespace
) -> None:
    from ..check.live import check_live
    from ..check.results import findings_of

    answers = check_live(
        options.url,
        settings,
        metadata,
        post=options.post,
        connect=options.connect or "",
        ca_file=options.ca_file,
    )
    report.answers["live"] = answers
    prefix = settings.prefix if settings else "/oauth2"
    report.findings += findings_of("live", options.url.partition("?")[0], answers, prefix=prefix)


def _workers(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    if options.workers:
        return int(options.workers)
    given = environ.get("WEB_CONCURRENCY", "")
    return int(given) if given.isascii() and given.isdigit() and int(given) > 0 else 1


def _other_settings(path: str) -> Settings:
    try:
        return Settings.load(config=path, environ={})
    except ConfigurationError as error:
        raise CommandError(f"--other-config: {path}: {error}") from None


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Return the values that the report must not contain. The URL of a store is one of them if it has a password."""
    found: list[str] = []
    for name in sorted(SECRETS):
        value = getattr(settings, name)
        if value and (name not in ("session_store", "revocation_store") or "@" in value):
            found += [value] if isinstance(value, str) else value
    return tuple(found)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not text.isascii() or not text.isprintable() or " " in text or "@" in parts.netloc:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL: write it as https://app.example.com/page")
    return text.partition("#")[0]


def _address(text: str) -> str:
    host, _, number = text.rpartition(":")
    if not (host and number.isascii() and number.isdigit() and 0 < int(number) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: write it as 127.0.0.1:443")
    return text
