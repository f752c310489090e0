"""``python -m oidc_gate.cli``."""

import sys

from . import main

sys.exit(main())
