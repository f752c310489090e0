#!/usr/bin/env bash
# Prints a line "3.12 /path/to/python" for each promised Python (3.11 to 3.14) that runs here, oldest first:
# what PATH has as python3.N, else the newest that pyenv has installed. A pyenv shim that refuses to run is passed over.
set -uo pipefail

runs() { "$2" -c "import sys, ssl, venv; sys.exit(sys.version_info[:2] != (3, $1))" >/dev/null 2>&1; }

pyenv_root=$(pyenv root 2>/dev/null || true)
for minor in 11 12 13 14; do
    candidates=("python3.$minor" python3)
    [ -z "$pyenv_root" ] || while IFS= read -r path; do candidates+=("$path"); done \
        < <(ls -d "$pyenv_root/versions/3.$minor".*/bin/python 2>/dev/null | sort -rV)
    for candidate in "${candidates[@]}"; do
        if runs "$minor" "$candidate"; then
            echo "3.$minor $("$candidate" -c 'import sys; print(sys.executable)')"
            break
        fi
    done
done
