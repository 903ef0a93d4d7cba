#!/usr/bin/env bash
# The unit tests under sanitizers: sanitize.sh [address|thread|all] (all when nothing is said).
#   address   AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan; the tests over ranks too
#   thread    ThreadSanitizer, in build-tsan; TBB and Open MPI are not built for it: scripts/suppressions
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

rooms='base|math|comm|h5|data|model|optim|io|report|engine|run|train|inspect|bench|control'
suppressions=$PWD/scripts/suppressions

under() {  # folder sanitizers
  configure_and_build "$1" -DTALWEG_TESTS=ON -DTALWEG_PCH=OFF -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O1 -g1" -DTALWEG_SANITIZE="$2" -- --target unit_tests test_mpi
  ctest --test-dir "$1" --output-on-failure --parallel "$(nproc)" --tests-regex "^($rooms)\\."
}

install_packages
case "${1:-all}" in
  address | thread | all) ;;
  *) echo "usage: $(basename "$0") [address|thread|all]" >&2; exit 64 ;;
esac
if [[ ${1:-all} != thread ]]; then
  export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 LSAN_OPTIONS=suppressions=$suppressions/lsan.txt:print_suppressions=0
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:suppressions=$suppressions/ubsan.txt
  under build-asan address,undefined
  # Open MPI unloads its plugins at the end: their allocations can no longer be attributed, so leaks are not checked here.
  ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 ctest --test-dir build-asan --output-on-failure --tests-regex '^mpi\.'
fi
if [[ ${1:-all} != address ]]; then
  export TSAN_OPTIONS=suppressions=$suppressions/tsan.txt:halt_on_error=1:ignore_noninstrumented_modules=1
  under build-tsan thread
fi
