"""`oidc-gate serve` without its prepared answers and its limits: the same words on the command line."""

from __future__ import annotations

import sys

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from oidc_gate.cli import main, verdicts

verdicts.VerdictProtocol = HttpToolsProtocol  # type: ignore[misc, assignment]

if __name__ == "__main__":
    sys.exit(main())
