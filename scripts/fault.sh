#!/usr/bin/env bash
# Builds, then disturbs real runs: kills, stops, signals, numbers that are not finite. scripts/fault.sh [--long] [--minutes M] [--seed N]
# [--only F1,F15] prints fault, trials, failures and the 95 % bound on the rate of failures.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

install_packages
configure_and_build build -DTALWEG_TESTS=ON -- --target talweg_program failing_disk
/usr/bin/python3 tests/fault/faults.py build/talweg build/tests/libfailing_disk.so "$@"
