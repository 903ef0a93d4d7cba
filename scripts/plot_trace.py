#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the curves of one or more runs from their trace.h5: plot_trace.py RUN... [--x step|epoch|examples|gradients|seconds] -o FILE.png|.svg

--theory CURVES.csv, as `talweg compare --theory` writes it: draws F - F* with its proven bounds instead."""
import argparse
import csv
import os
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402: after the backend is chosen

AXES = {
    "step": ("step", "steps"),
    "epoch": ("epoch", "epochs"),
    "examples": ("examples", "examples"),
    "gradients": ("gradient_evaluations", "example-gradients"),
    "seconds": ("seconds", "seconds"),
}
# Okabe & Ito's palette: distinguishable for colour-blind readers too.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]


def trace_file(run):
    return os.path.join(run, "trace.h5") if os.path.isdir(run) else run


def names(runs):
    """The shortest tails of the paths that tell the runs apart."""
    paths = [os.path.normpath(os.path.abspath(os.path.dirname(r) if r.endswith(".h5") else r)).split(os.sep) for r in runs]
    for depth in range(1, max(len(p) for p in paths) + 1):
        tails = ["/".join(p[-depth:]) for p in paths]
        if len(set(tails)) == len(tails):
            return tails
    return runs


def along(trace, x, rows):
    """The x of evaluation rows: known at their steps."""
    if x in ("step", "seconds"):
        return rows[x][:]
    if x == "gradient_evaluations":
        return rows["gradient_evaluations"][:]
    by_step = dict(zip(trace["step"][:], trace[x][:]))
    by_step[0] = 0
    known = sorted(by_step)
    return [by_step[max(k for k in known if k <= s)] for s in rows["step"][:]]


def smooth(values, width):
    """Mean over a window that ends at each value."""
    out, total = [], 0.0
    for i, v in enumerate(values):
        total += v
        if i >= width:
            total -= values[i - width]
        out.append(total / min(i + 1, width))
    return out


def draw(runs, x, output):
    column, label = AXES[x]
    traces = [h5py.File(trace_file(run), "r") for run in runs]
    second = next((name for name in ("accuracy", "rmse")
                   if any(f"evaluation/{part}_{name}" in t for t in traces for part in ("train", "valid", "test"))), None)
    figure, panels = plt.subplots(1, 2 if second else 1, figsize=(11 if second else 6, 4.2), squeeze=False)
    positive = True
    for trace, name, colour in zip(traces, names(runs), COLOURS * (len(runs) // len(COLOURS) + 1)):
        loss = trace["loss"][:]
        if len(loss):
            window = max(1, len(loss) // 50)
            panels[0][0].plot(trace[column][:], loss, color=colour, alpha=0.18, linewidth=0.8)
            panels[0][0].plot(trace[column][:], smooth(loss, window), color=colour, linewidth=1.6, label=f"{name}: batch loss")
            positive = positive and loss.min() > 0
        rows = trace["evaluation"]
        for part, style in (("train", ":"), ("valid", "-"), ("test", "--")):
            for panel, figure_name in ((0, "loss"), (1, second)):
                key = f"{part}_{figure_name}"
                if figure_name is None or key not in rows or (panel == 0 and part == "train"):
                    continue
                values = rows[key][:] * (100 if figure_name == "accuracy" else 1)
                panels[0][panel].plot(along(trace, column, rows), values, style, color=colour, marker=".", markersize=4, linewidth=1.2, label=f"{name}: {part}")
    panels[0][0].set_title("loss")
    if positive:
        panels[0][0].set_yscale("log")
    if second:
        panels[0][1].set_title("accuracy, %" if second == "accuracy" else second)
    for panel in panels[0]:
        panel.set_xlabel(label)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(output, dpi=150)


def draw_theory(curves, x, output):
    """One colour a run: F - F* solid, its upper bound dashed, the lower bound dotted."""
    series = {}
    with open(curves, newline="") as file:
        for run, place, name, value in list(csv.reader(file))[1:]:
            if float(place) > 0 and float(value) > 0:
                series.setdefault((run, name), []).append((float(place), float(value)))
    runs = list(dict.fromkeys(run for run, _ in series))
    figure, panel = plt.subplots(figsize=(7, 4.6))
    for run, colour in zip(runs, COLOURS * (len(runs) // len(COLOURS) + 1)):
        for name, style, label in (("gap", "-", "F - F*"), ("bound", "--", "bound"), ("lower_bound", ":", "no method is below")):
            if (run, name) in series:
                panel.plot(*zip(*series[run, name]), style, color=colour, linewidth=1.6 if name == "gap" else 1.1, label=f"{run}: {label}")
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel(AXES[x][1])
    panel.set_ylabel("F - F*")
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(output, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run directory or trace file")
    parser.add_argument("--x", choices=AXES, default="epoch")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--theory", metavar="CURVES.csv")
    given = parser.parse_args()
    try:
        if given.theory:
            draw_theory(given.theory, given.x, given.output)
        else:
            draw(given.runs, given.x, given.output)
    except OSError as error:
        sys.exit(f"plot_trace.py: {error}")


if __name__ == "__main__":
    main()
