#!/usr/bin/env bash
# libFuzzer on configs, data files, checkpoints behind a seal that fits, and .npz, under ASan and UBSan: fuzz.sh [SECONDS each (60)]
# [config|data|checkpoint|npz...]. Debian's clang-16; what it finds is left in build-fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

seconds=${1:-60}
shift || true
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(config data checkpoint npz)
install_packages clang-16 libclang-rt-16-dev   # version 14 cannot compile structured bindings in lambda captures
CXX=clang++-16 CC=clang-16 configure_and_build build-fuzz -DTALWEG_TESTS=ON -DTALWEG_FUZZ=ON -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O1 -g1 -Wno-unknown-warning-option" \
  -DTALWEG_SANITIZE=address,undefined,fuzzer-no-link -- --target talweg_program "${targets[@]/#/fuzz_}"

# Seeds: the configs of the repository, a small file of each format, a checkpoint and a model of one step.
seeds=$(mktemp -d -t talweg-seeds-XXXXXX)
trap 'rm -rf "$seeds"' EXIT
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:suppressions=$PWD/scripts/suppressions/ubsan.txt
/usr/bin/python3 tests/fuzz/seeds.py build-fuzz/talweg "$seeds"
mkdir -p build-fuzz/found
for target in "${targets[@]}"; do
  echo "== $target: $seconds s"
  mkdir -p "build-fuzz/corpus/$target"
  build-fuzz/tests/fuzz_"$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=30 -max_len=16384 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix=build-fuzz/found/"$target"- "build-fuzz/corpus/$target" "$seeds/$target" 2>&1 | grep -vE "^(INFO|WARNING): " | tail -20
done
