#!/usr/bin/env bash
# Formats the sources with clang-format: format.sh, or format.sh --check to change nothing and fail where it would.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh
install_packages clang-format
mode=(-i)
[[ ${1:-} == --check ]] && mode=(--dry-run --Werror)
git ls-files '*.cpp' '*.hpp' | xargs clang-format "${mode[@]}"
