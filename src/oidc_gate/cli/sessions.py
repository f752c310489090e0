"""List, count or end the sessions in the store: of one user, of one session, or all.

The settings come from OIDC_GATE_* variables and from the file that --config or OIDC_GATE_CONFIG names, as for
"oidc-gate serve". Run it as the user that serves the gate. "end" returns when every process refuses the sessions.

With session_store=cookie there is nothing to list or count. With a revocation_store, "end" takes --subject, --sid and
--session.

Exit status: 0 on success, 1 if "end" found no session, 2 if the settings or the arguments cannot work or the store does
not answer.
"""

from __future__ import annotations

import argparse

from ..settings import Settings
from .common import CommandError
from .session_admin import Selected, open_admin

EXAMPLES = """
oidc-gate sessions list --config gate.toml
oidc-gate sessions list --email ada@example.com --json
oidc-gate sessions end --subject 248289761001
oidc-gate sessions end --session 3p0gNf4QmV0 --json
oidc-gate sessions end --all
"""

ACTIONS = ("list", "count", "end")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the action and for the selection of sessions."""
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="list, count or end")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--subject", metavar="SUB", help="the sessions of one user, by the sub claim")
    which.add_argument("--email", metavar="ADDRESS", help="the sessions of one e-mail address, in any case")
    which.add_argument("--sid", metavar="SID", help="those that began in one session at the provider (sid)")
    which.add_argument("--session", metavar="ID", help="one session, by the ID that list shows")
    which.add_argument(
        "--provider", metavar="ISSUER", help="those of this gate, whose provider is ISSUER, in a shared store"
    )
    which.add_argument(
        "--all",
        action="store_true",
        help="all sessions in the store, also of other gates (list and count: default)",
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with the settings")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    """Perform the action, print the result, and return the exit status."""
    settings = Settings.load(config=options.config)
    kinds = ("subject", "email", "sid", "session", "provider")
    given = [(kind, value) for kind in kinds if (value := getattr(options, kind)) is not None]
    kind, value = given[0] if given else ("all", "")
    if given and not value:
        raise CommandError(f"--{kind} is empty; write what it should be")
    if options.action == "end" and not given and not options.all:
        raise CommandError(
            "end needs to know which sessions: write --subject, --email, --sid, --session, --provider or --all"
        )
    admin = open_admin(settings)
    result = getattr(admin, options.action)(Selected(kind, value))
    print(result.as_json() if options.json else result.as_text())
    return int(result.exit_status)
