#!/usr/bin/env bash
# Starts a Slurm on this machine (as root) and takes train.sbatch through time limits and a preemption, to the bits of an
# undisturbed run. Takes some three minutes; installs slurm-wlm and munge.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/lib.sh

if [[ $(id -u) -ne 0 ]]; then
  echo "$(basename "$0"): Slurm's daemons want root here" >&2
  exit 77
fi
install_packages slurm-wlm slurm-wlm-basic-plugins munge
configure_and_build build -- --target talweg_program
/usr/bin/python3 tests/fault/slurm.py build/talweg
