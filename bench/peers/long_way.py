"""`oidc-gate serve` without its short way through uvicorn: the same words on the command line."""

from __future__ import annotations

import sys

import uvicorn

from oidc_gate.cli import main, verdicts

verdicts.VerdictProtocol = uvicorn.protocols.http.httptools_impl.HttpToolsProtocol  # type: ignore[misc, assignment]

if __name__ == "__main__":
    sys.exit(main())
