#!/usr/bin/env bash
# Makes .venv with the first Python >= 3.11 that really runs (a pyenv shim may exist and refuse to).
# Usage: tools/make_venv.sh DIRECTORY   (PYTHON=... names the interpreter)
set -euo pipefail
venv=$1
recent='import sys; sys.exit(sys.version_info < (3, 11))'
whole='import ensurepip, venv'

candidates=(python3 python3.13 python3.12 python3.11 python3.14 python)
[ -z "${PYTHON:-}" ] || candidates=("$PYTHON")

found=
for candidate in "${candidates[@]}"; do
    if "$candidate" -c "$recent" >/dev/null 2>&1; then
        found=$candidate
        break
    fi
done
if [ -z "$found" ]; then
    echo "oidc_gate needs Python 3.11 or later; tried: ${candidates[*]}." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi

# Debian splits venv off from python3.
if ! "$found" -c "$whole" >/dev/null 2>&1; then
    if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy python3-venv; } </dev/null >&2
    else
        echo "$found has no venv module: install it first (Debian: apt install python3-venv)." >&2
        exit 1
    fi
fi

"$found" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --upgrade 'pip>=24'
"$venv/bin/python" -c 'import sys; print("made a virtual environment with Python", sys.version.split()[0])'
