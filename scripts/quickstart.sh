#!/usr/bin/env bash
# From a fresh clone to a trained model: installs what is missing, builds, trains an MLP on the shipped digits over two MPI
# ranks, says where it ended, and draws the loss curve.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh

install_packages
configure_and_build build -- --target talweg_program

run=configs/runs/digits_mlp
echo
echo "== training: mpirun -n 2 build/talweg train configs/digits_mlp.toml --fresh"
mpirun -n 2 build/talweg train configs/digits_mlp.toml --fresh
echo
echo "== where it ended: mpirun -n 2 build/talweg certify $run"
mpirun -n 2 build/talweg certify "$run"
echo
echo "== the loss curve: build/talweg compare $run -o $run/loss.png"
build/talweg compare "$run" -o "$run/loss.png"
echo
echo "The run is in $run: trace.h5, checkpoints, summary.json and loss.png. Next: build/talweg --help, and README.md."
