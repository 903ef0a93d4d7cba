#!/usr/bin/env bash
# clang-tidy over src and apps with the compile commands of build/ (made by scripts/test.sh): tidy.sh [FILE...]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh
install_packages clang-tidy
files=("$@")
[[ ${#files[@]} -gt 0 ]] || mapfile -t files < <(git ls-files 'src/*.cpp' 'apps/*.cpp')
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build --quiet --extra-arg=-Wno-unknown-warning-option
