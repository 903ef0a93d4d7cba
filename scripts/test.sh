#!/usr/bin/env bash
# Installs what is missing, builds with warnings as errors, runs every test. Arguments go to ctest: scripts/test.sh -R io
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

install_packages
configure_and_build build -DTALWEG_TESTS=ON -DTALWEG_WERROR=ON
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"
