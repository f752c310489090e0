"""Write ``docs/causes.md`` from the catalogue of `oidc_gate.check`: ``make causes``. A test compares the two."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from oidc_gate.check.catalogue import PARTS
from oidc_gate.check.findings import Cause

PAGE = Path(__file__).parents[1] / "docs/causes.md"

HEAD = """\
# Causes

What `oidc-gate check` can find, by the identifier that it prints. [check.md](check.md) describes the command. Words in
angle brackets stand for what the check found. This page is written by `make causes` from the catalogue in
`src/oidc_gate/check/catalogue`.

An *error* means that users cannot sign in, or that the site is not protected. A *warning* is a questionable choice.
"""
TITLES = {
    "settings": "Settings",
    "provider": "Provider",
    "nginx": "Nginx",
    "live": "The page, through the proxy",
}


class _Placeholders(defaultdict[str, str]):
    def __missing__(self, name: str) -> str:
        return "/oauth2" if name == "prefix" else f"&lt;{name}&gt;"


def page() -> str:
    """Return the text of ``docs/causes.md``."""
    parts = [HEAD]
    for part, causes in PARTS.items():
        parts.append(f"\n## {TITLES[part]}\n")
        parts += [_entry(cause) for cause in causes]
    return "".join(parts)


def _entry(cause: Cause) -> str:
    names = ", ".join(f"`{name}`" for name in cause.explained_by)
    lines = [
        f"\n### {cause.name}\n",
        f"*{cause.severity.capitalize()}.* {_text(cause.what)}.\n",
        f"- **Users see:** {_text(cause.seen)}.",
        f"- **Fix:** {_text(cause.fix)}",
        f"- **Read:** [{cause.read.partition('#')[0]}]({cause.read})",
    ]
    if names:
        lines.append(f"- **Is a consequence of**, if both are found: {names}")
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    filled = text.format_map(_Placeholders()).replace("<issuer>", "&lt;issuer&gt;")
    return filled[:1].upper() + filled[1:] if not filled.startswith(("oidc", "public_url")) else filled


if __name__ == "__main__":
    PAGE.write_text(page())
