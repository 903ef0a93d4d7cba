#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Steps down the staircase of saddles, to F* + 1e-3, by gradient descent and by its perturbed form, over the dimension: staircase.py TALWEG

Medians over 5 starts within 0.1 of the first saddle, in float64, step length 0.05; at most 200000 steps."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "configs" / "bench" / "staircase.toml"
METHODS = {"gd": ["method.name=gd", "method.radius=", "method.gradient_threshold="], "pgd": []}
SEEDS = range(1, 6)


def steps(talweg, method, d, seed, folder):
    """None if it is not reached within all steps."""
    command = [talweg, "train", str(CONFIG), "--fresh", "--run", folder, "--progress", "none", "--threads", "1"]
    for key in [*METHODS[method], f"problem.dimension={d}", f"run.seed={seed}", f"stop.target_loss={-d / 4 + 1e-3}"]:
        command += ["--set", key]
    subprocess.run(command, check=True, capture_output=True)
    summary = json.loads((pathlib.Path(folder) / "summary.json").read_text())
    return summary["step"] if summary["ending"]["reason"] == "target_loss" else None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("| d | " + " | ".join(METHODS) + " |\n| ---: |" + " ---: |" * len(METHODS), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for d in range(3, 9):
            cells = []
            for method in METHODS:
                taken = [steps(sys.argv[1], method, d, seed, folder) for seed in SEEDS]
                median = statistics.median(t if t is not None else float("inf") for t in taken)
                cells.append("more than 200000" if median == float("inf") else f"{median:.0f}")
            print(f"| {d} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
