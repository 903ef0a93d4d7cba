#!/usr/bin/env bash
# Breaks promises in a copy of the source, one at a time, and runs the test that must notice: scripts/mutants.sh [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

install_packages
copy=$(mktemp -d -t talweg-mutants-XXXXXX)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents --target-directory "$copy"
cd "$copy"
configure_and_build build -DTALWEG_TESTS=ON -DTALWEG_WERROR=ON -- --target talweg_program failing_disk > build.log || { cat build.log; exit 1; }
/usr/bin/python3 tests/fault/mutants.py "$@"
