#!/usr/bin/env bash
# The table of the staircase of saddles in scripts/bench/README.md. Builds first; a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh
configure_and_build build -- --target talweg_program
exec /usr/bin/python3 scripts/bench/staircase.py build/talweg
