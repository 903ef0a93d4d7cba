#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every update rule on the shipped digits, at 0.1, 1 and 10 times its own default rate, over 3 seeds: compare_methods.py TALWEG [-o FILE.png]

Of the rates the one is shown whose best validation accuracy is highest in the mean over the seeds (then: whose loss on validation is
least at the end). Cost is example-gradients; a Hessian-vector product counts as two of them."""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import h5py
import numpy

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "configs" / "bench" / "compare_methods.toml"
FACTORS = (0.1, 1.0, 10.0)
SEEDS = (1, 2, 3)
TARGET = 0.95


def rules(talweg):
    """(name, default rate, its key), in the order of the catalogue."""
    catalogue = json.loads(subprocess.run([talweg, "methods", "--json"], check=True, capture_output=True, text=True).stdout)
    for entry in catalogue["methods"]:
        if entry["kind"] != "update rule":
            continue
        defaults = {h["name"]: h["default"] for h in entry["hyperparameters"]}
        yield entry["name"], float(defaults["lr"])


def run(talweg, rule, lr, seed, folder):
    """One run's figures; or the reason why there are none."""
    command = [talweg, "train", str(CONFIG), "--fresh", "--run", folder, "--progress", "none", "--threads", "1"]
    for key in (f'method.name="{rule}"', f"method.lr={lr!r}", f"run.seed={seed}"):
        command += ["--set", key]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 79:
        return "diverged"
    if done.returncode == 75:
        return "too slow"
    if done.returncode != 0:
        return "refused: expected " + re.split("[:;,]", done.stderr.strip().splitlines()[-1].split("expected ", 1)[-1])[0]
    summary = json.loads((pathlib.Path(folder) / "summary.json").read_text())
    with h5py.File(pathlib.Path(folder) / "trace.h5") as trace:
        accuracy = trace["evaluation/valid_accuracy"][:]
        loss = trace["evaluation/valid_loss"][:]
        cost = trace["evaluation/gradient_evaluations"][:]
    hvps = 2 * summary["cost"]["method"]["hvp_evaluations"] / max(1, summary["cost"]["method"]["gradient_evaluations"])
    there = numpy.flatnonzero(accuracy >= TARGET)
    return {"best": float(accuracy.max()), "loss": float(loss[-1]), "cost": float(cost[-1]) * (1 + hvps),
            "to_target": float(cost[there[0]]) * (1 + hvps) if len(there) else numpy.inf}


def measure(talweg):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for rule, lr in rules(talweg):
            by_factor, why = {}, ""
            for factor in FACTORS:
                runs = [run(talweg, rule, lr * factor, seed, folder) for seed in SEEDS]
                good = [r for r in runs if not isinstance(r, str)]
                if len(good) == len(SEEDS):
                    by_factor[factor] = good
                else:
                    why = why or next(r for r in runs if isinstance(r, str))
            if not by_factor:
                results.append({"rule": rule, "why": why})
                continue
            best = max(by_factor, key=lambda f: (numpy.mean([r["best"] for r in by_factor[f]]), -numpy.mean([r["loss"] for r in by_factor[f]])))
            runs = by_factor[best]
            results.append({"rule": rule, "factor": best, "lr": lr * best, "accuracy": [r["best"] for r in runs],
                            "loss": float(numpy.mean([r["loss"] for r in runs])), "cost": float(numpy.mean([r["cost"] for r in runs])),
                            "to_target": float(numpy.median([r["to_target"] for r in runs]))})
            print(row(results[-1]), flush=True)
    return results


def row(r):
    if "why" in r:
        return f"| {r['rule']} | {r['why']} | | | |"
    reached = f"{r['to_target'] / 1000:.1f}" if numpy.isfinite(r["to_target"]) else "not reached"
    low, high = 100 * min(r["accuracy"]), 100 * max(r["accuracy"])
    return f"| {r['rule']} | {r['lr']:g} (x {r['factor']:g}) | {100 * numpy.mean(r['accuracy']):.2f} ({low:.1f} to {high:.1f}) | {reached} | {r['loss']:.3f} |"


HEAD = "| rule | lr (times its default) | validation accuracy, % | thousand example-gradients to 95 % | validation loss at the end |\n| --- | --- | --- | ---: | ---: |"


def draw(results, output):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    shown = sorted((r for r in results if "why" not in r), key=lambda r: (r["to_target"], -numpy.mean(r["accuracy"])), reverse=True)
    colours = {0.1: "#56B4E9", 1.0: "#0072B2", 10.0: "#D55E00"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 0.24 * len(shown) + 1.2), sharey=True)
    for place, r in enumerate(shown):
        colour = colours[r["factor"]]
        if numpy.isfinite(r["to_target"]):
            left.plot(r["to_target"] / 1000, place, "o", color=colour, markersize=5)
        right.plot([100 * a for a in r["accuracy"]], [place] * len(r["accuracy"]), "|", color=colour, markersize=7)
        right.plot(100 * numpy.mean(r["accuracy"]), place, "o", color=colour, markersize=5)
    left.set_yticks(range(len(shown)), [r["rule"] for r in shown], fontsize=8)
    left.set_xlabel("thousand example-gradients to 95 % on validation")
    right.set_xlabel("best accuracy on validation, % (three seeds and their mean)")
    lowest = min(100 * numpy.mean(r["accuracy"]) for r in shown)
    right.set_xlim(max(lowest - 1, 90), 100)
    for panel in (left, right):
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=c, label=f"{f:g} x default lr") for f, c in colours.items()]
    left.legend(handles=handles, frameon=False, fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(output, dpi=130)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("talweg")
    parser.add_argument("-o", "--output", help="FILE.png")
    given = parser.parse_args()
    print(HEAD, flush=True)
    results = measure(given.talweg)
    for r in results:
        if "why" in r:
            print(row(r))
    if given.output:
        draw(results, given.output)


if __name__ == "__main__":
    main()
