"""The one provider that everybody signs in at: oidc_gate.testing.TestProvider, in a process of its own."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.ports import free_port
from tests.real.process import Server, running

CLIENT_ID = "bench"
CLIENT_SECRET = "a-secret-of-thirty-two-characters"
SUBJECT = "2f6a1c9e-7d0b-4c35-9e1a-5b8f0c64d7a2"


@dataclass(frozen=True)
class Provider:
    """The running provider."""

    issuer: str
    server: Server


def group_names(count: int) -> list[str]:
    """Return names as directories have them."""
    return [f"team-{number:03d}" for number in range(count)]


@contextmanager
def provider(redirect_uris: Sequence[str], *, directory: Path, groups: int = 8) -> Iterator[Provider]:
    """Run the provider until the block ends; one person is signed in there already, with so many groups."""
    port = free_port()
    file = directory / f"provider-{port}.json"
    file.write_text(json.dumps({"port": port, "redirect_uris": list(redirect_uris), "groups": groups}))
    argv = [sys.executable, "-m", "bench.provider", str(file)]
    with running("provider", argv, port=port, directory=directory, ready_path="/jwks") as server:
        yield Provider(server.url, server)


def main() -> None:
    """Serve until ended."""
    from oidc_gate.testing import Client, Person, TestProvider

    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    given = json.loads(parser.parse_args().file.read_text())
    person = Person(
        sub=SUBJECT, email="jane.doe@example.com", email_verified=True, name="Jane Doe",
        preferred_username="jane.doe", groups=group_names(given["groups"]),
    )  # fmt: skip
    client = Client(
        client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=given["redirect_uris"],
        token_endpoint_auth_method="client_secret_basic", id_token_signed_response_alg="RS256",
    )  # fmt: skip
    with TestProvider(clients=[client], people=[person], auto_login=SUBJECT, port=given["port"]):
        threading.Event().wait()


if __name__ == "__main__":
    main()
