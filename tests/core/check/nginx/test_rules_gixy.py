"""What `gixy-next`, a linter for Nginx, says of the shipped files and of some breaks, beside what the check says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.check.nginx.breaks import FURTHER, GOOD, apply
from tests.core.check.nginx.test_rules import broken

pytest.importorskip("gixy")
DOCS = Path(__file__).parents[4] / "docs/nginx"

# What it finds in the shipped files, and why that stands there.
EXPLAINED = {
    "version_disclosure": "server_tokens belongs to the whole server, not to one site",
    "missing_worker_processes": "this too",
    "default_server_flag": "this too",
    "hash_without_default": "a host that is not listed has no application, and the request fails",
    "stale_dns_cache": "the variable is the name of an upstream",
    "host_spoofing": "the application has to see the port; the gate checks the host, or has public_url",
    "proxy_buffering_off": "server-sent events; docs/nginx.md says when to leave it out",
}
# Causes of the check that it also finds, by the name of its plugin.
ALSO_FOUND = {
    "nginx_add_header_lost": "add_header_redefinition",
    "nginx_headers_lost": "proxy_set_header_redefinition",
}


def plugins(text: str, tmp_path: Path) -> set[str]:
    file = tmp_path / "nginx.conf"
    file.write_text(f"events {{}}\nhttp {{\n{text}\n}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "gixy", "-f", "json", str(file)], capture_output=True, text=True, check=False
    )
    return {finding["plugin"] for finding in json.loads(done.stdout)}


@pytest.mark.parametrize("name", [file.name for file in sorted(DOCS.glob("*.conf"))])
def test_the_shipped_files_have_nothing_unexplained(name: str, tmp_path: Path) -> None:
    assert plugins((DOCS / name).read_text(), tmp_path) <= EXPLAINED.keys()


@pytest.mark.parametrize("cause", ALSO_FOUND)
def test_both_find_it(cause: str, tmp_path: Path) -> None:
    text = apply(GOOD, FURTHER[cause]) if cause in FURTHER else broken(GOOD, cause)
    assert plugins(text, tmp_path) - EXPLAINED.keys() == {ALSO_FOUND[cause]}
