#!/usr/bin/env bash
# Every update rule on the digits at 0.1, 1 and 10 times its own default rate, over three seeds: the table and the figure of
# scripts/bench/README.md (configs/pictures/compare_methods.png). Builds first; some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh
configure_and_build build -- --target talweg_program
exec /usr/bin/python3 scripts/bench/compare_methods.py build/talweg -o configs/pictures/compare_methods.png
