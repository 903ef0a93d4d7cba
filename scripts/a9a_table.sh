#!/usr/bin/env bash
# The tables of a9a in scripts/bench/README.md: scripts/a9a_table.sh FILE [options of scripts/bench/a9a_table.py]. FILE is a9a, unpacked
# (scripts/fetch_data.sh a9a fetches it). Builds first. Most of the time goes to gd and proximal_gradient, with
# some hundred times the passes of the others.
set -euo pipefail
if [[ $# -lt 1 ]]; then
  echo "usage: scripts/a9a_table.sh FILE [--only NAME...] [--l1 0.001]" >&2
  exit 64
fi
file=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
source scripts/lib.sh
configure_and_build build -- --target talweg_program
exec /usr/bin/python3 scripts/bench/a9a_table.py build/talweg "$file" "$@"
