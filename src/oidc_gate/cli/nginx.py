"""Print a complete configuration of Nginx for this gate.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names, as for
"oidc-gate serve"; none of their secrets is printed. "oidc-gate explain nginx.md" explains each line of the output.

Save it in a file that Nginx includes. Then run "nginx -t", and "oidc-gate check --nginx /etc/nginx/nginx.conf".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from ..proxies.nginx import FORMS, NginxOptions, nginx_configuration
from ..proxies.options import APPLICATION
from ..settings import Settings
from .common import count, served_port
from .proxies import add_common_arguments, add_path_arguments, print_configuration

EXAMPLES = """
oidc-gate nginx --config gate.toml > /etc/nginx/conf.d/app.conf
oidc-gate nginx --restrict /admin/=admins --public /static/ --upstream unix:/run/app.sock
oidc-gate nginx --form redirect --api /api/
oidc-gate nginx --upstream app.example.com=127.0.0.1:8080 --upstream wiki.example.com=127.0.0.1:8081
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the configuration of Nginx."""
    add_common_arguments(
        parser,
        upstream=f"address of your application ({APPLICATION}); HOST=ADDRESS for each of several sub-domains",
    )
    parser.add_argument(
        "--form",
        choices=FORMS,
        default=FORMS[0],
        help="without a session, a page gets: page, the sign-in page with 401 (recommended); "
        "page-403, the same with 403; redirect, a redirect to the provider",
    )
    add_path_arguments(parser)
    parser.add_argument(
        "--api",
        metavar="LOCATION",
        action="append",
        default=[],
        help="a path that scripts use, which get 401 and JSON in each form; may be repeated",
    )
    parser.add_argument("--certificate", metavar="FILE", default="", help="(/etc/nginx/tls/HOST.crt)")
    parser.add_argument("--certificate-key", metavar="FILE", default="", help="(/etc/nginx/tls/HOST.key)")
    parser.add_argument(
        "--plain-port",
        metavar="PORT",
        type=served_port,
        default=0,
        help="listen for plain http there, behind another proxy that has the certificate",
    )
    parser.add_argument("--max-body", metavar="SIZE", default="100m", help="the largest upload (100m)")
    parser.add_argument(
        "--keepalive", metavar="N", type=count, default=32, help="idle connections to keep (32)"
    )
    parser.add_argument(
        "--verdict-cache",
        metavar="SECONDS",
        type=count,
        default=0,
        help="cache verdicts, at most 60 s: faster, but users who sign out keep access for that long (off)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the configuration."""
    chosen = NginxOptions(
        form=options.form,
        upstreams=tuple(options.upstream) or (APPLICATION,),
        gate=options.gate,
        server_name=options.server_name,
        restricted=tuple(options.restrict),
        public=tuple(options.public),
        api=tuple(options.api),
        certificate=options.certificate,
        certificate_key=options.certificate_key,
        max_body=options.max_body,
        keepalive=options.keepalive,
        plain_port=options.plain_port,
        verdict_cache=options.verdict_cache,
    )

    return print_configuration(options, partial(_build, chosen))


def _build(chosen: NginxOptions, settings: Settings, command: Sequence[str]) -> str:
    return nginx_configuration(settings, chosen, command)
