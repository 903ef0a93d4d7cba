#!/usr/bin/env bash
# clang-tidy (Debian's 16) over src and apps: tidy.sh [FILE...]. It uses its own compile commands, because the precompiled headers are GCC's.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh
install_packages clang-tidy-16   # version 14 cannot compile structured bindings in lambda captures
cmake -S . -B build-tidy -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DTALWEG_PCH=OFF > /dev/null
files=("$@")
[[ ${#files[@]} -gt 0 ]] || mapfile -t files < <(git ls-files 'src/*.cpp' 'apps/*.cpp')
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-16 -p build-tidy --quiet --extra-arg=-Wno-unknown-warning-option
