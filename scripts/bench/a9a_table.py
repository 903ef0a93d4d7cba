#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passes over a9a (float64, l2 = 1e-4) until F - F* <= 1e-10, and with l1 until the prox-gradient is 1e-8, where the duality gap and
the zeros are checked, and how the gap falls with stochastic rules: a9a_table.py TALWEG FILE [--only NAME...] [--l1 0.001]. The configs are configs/bench/a9a*.toml.

Passes are example-gradients over n, of the method alone. F* is a run of lbfgs to rounding."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs" / "bench"
# name, config, overrides
SMOOTH = [
    ("gd, 1/L", "a9a_gd", []),
    ("agd, mu = l2", "a9a_agd", []),
    ("fista, restart by gradient", "a9a_fista", []),
    ("lbfgs, memory 10", "a9a_lbfgs", []),
    *((f"svrg, last, b = 1, m = 2n, {c}/L_max", "a9a_svrg", [f"method.lr={c}/L_max"]) for c in ("0.1", "0.25", "0.5", "1.0")),
    ("saga, b = 1, 1/(3 L_max)", "a9a_saga", []),
    ("sarah, b = 1, m = 2n, 0.1/L_max", "a9a_sarah", []),
    ("katyusha, b = 1, m = 2n, sigma = l2", "a9a_katyusha", []),
]
COMPOSITE = [
    ("proximal_gradient, 1/L", "a9a_l1_proximal_gradient", []),
    ("fista, restart by gradient", "a9a_l1_fista", []),
    ("prox-svrg, last, b = 1, m = 2n, 0.5/L_max", "a9a_l1_svrg", []),
    ("saga, b = 1, 1/(3 L_max)", "a9a_l1_saga", []),
    ("katyusha, b = 1, m = 2n", "a9a_l1_katyusha", []),
]
# name, config, the section of l1
STOCHASTIC = [
    ("fobos (sgd), 0.5 t^-1/2", "a9a_l1_fobos", "regularizer"),
    ("proximal_adagrad, 0.02", "a9a_l1_proximal_adagrad", "method"),
    ("adagrad_da, 0.05", "a9a_l1_adagrad_da", "method"),
    ("ftrl, paper, per step, 0.05", "a9a_l1_ftrl", "method"),
]


def rows(path):
    """Features [n, d] as a9a's are, dense, and labels +-1."""
    labels, places = [], []
    for line in open(path):
        first, *pairs = line.split()
        labels.append(1 if float(first) > 0 else -1)  # some copies have 0 for -1
        places.append([int(p.split(":")[0]) - 1 for p in pairs])
    a = numpy.zeros((len(labels), max(max(p) for p in places if p) + 1))
    for i, columns in enumerate(places):
        a[i, columns] = 1
    return a, numpy.array(labels)


def train(talweg, data, config, overrides, run):
    command = [talweg, "train", str(CONFIGS / f"{config}.toml"), "--fresh", "--run", str(run), "--progress", "none", "--threads", "1",
               "--set", f"data.train.path={pathlib.Path(data).resolve()}"]
    for key in overrides:
        command += ["--set", key]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 75):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return json.loads((run / "summary.json").read_text())


def parameters(talweg, run):
    file = run / "model.npz"
    subprocess.run([talweg, "export", str(run), "-o", str(file)], check=True, capture_output=True)
    with numpy.load(file) as tensors:
        return tensors["weight"].ravel(), float(tensors["bias"].ravel()[0]) if "bias" in tensors else 0.0


def duality_gap(a, y, w, b, l1, l2, free_bias=True):
    """P(w, b) - D(alpha), P = mean log(1 + exp(-y z)) + l1 |w|_1 + (l2/2) |w|^2, the bias free or 0. alpha_i in [0, 1] is the slope of
    the loss at (w, b), with a free bias the heavier class scaled down until sum y_i alpha_i = 0, which that asks of a dual point:
    D = -mean(alpha log alpha + (1 - alpha) log(1 - alpha)) - sum_j (|v_j| - l1)_+^2 / (2 l2), v = mean alpha_i y_i a_i."""
    n = len(y)
    margin = y * (a @ w + b)
    primal = numpy.logaddexp(0, -margin).mean() + l1 * numpy.abs(w).sum() + l2 / 2 * (w @ w)
    alpha = 1 / (1 + numpy.exp(margin))
    plus, minus = alpha[y > 0].sum(), alpha[y < 0].sum()
    if free_bias:
        alpha[y > 0] *= min(1, minus / plus)
        alpha[y < 0] *= min(1, plus / minus)
    v = a.T @ (alpha * y) / n
    entropy = -(alpha * numpy.log(alpha) + (1 - alpha) * numpy.log1p(-alpha)).mean()
    return primal, primal - (entropy - (numpy.maximum(numpy.abs(v) - l1, 0) ** 2).sum() / (2 * l2))


def cost(summary):
    return summary["cost"]["method"]["gradient_evaluations"] / summary["examples"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("talweg")
    parser.add_argument("file", help="a9a, unpacked (scripts/fetch_data.sh a9a)")
    parser.add_argument("--only", nargs="*", help="begin of names")
    parser.add_argument("--l1", type=float, default=1e-3)
    given = parser.parse_args()
    wanted = lambda name: not given.only or any(name.startswith(o) for o in given.only)  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        exact = train(given.talweg, given.file, "a9a_lbfgs", ["stop.gradient_norm=1e-12"], pathlib.Path(folder) / "exact")
        least = exact["figures"]["train_objective"]
        print(f"{exact['examples']} rows, F* = {least!r}\n")
        print("| method | passes to F - F* <= 1e-10 | F - F* |\n| --- | ---: | ---: |", flush=True)
        for name, config, overrides in SMOOTH:
            if not wanted(name):
                continue
            s = train(given.talweg, given.file, config, [*overrides, "stop.gradient_norm=", f"stop.target_loss={least + 1e-10!r}"], pathlib.Path(folder) / "smooth")
            reached = s["ending"]["reason"] == "target_loss"
            print(f"| {name} | {'' if reached else 'more than '}{cost(s):.0f} | {s['figures']['train_objective'] - least:.1e} |", flush=True)
        a, y = rows(given.file)
        print(f"\nl1 = {given.l1:g}\n\n| method | passes | objective | duality gap | zeros of {a.shape[1]} weights | not 0 where |grad_j F| < l1 - 1e-6 |\n"
              "| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
        for name, config, overrides in COMPOSITE:
            if not wanted(name):
                continue
            run = pathlib.Path(folder) / "composite"
            s = train(given.talweg, given.file, config, [*overrides, f"regularizer.l1={given.l1}"], run)
            w, b = parameters(given.talweg, run)
            primal, gap = duality_gap(a, y, w, b, given.l1, 1e-4)
            slope = a.T @ (-y / (1 + numpy.exp(y * (a @ w + b)))) / len(y) + 1e-4 * w
            wrong = int(((w != 0) & (numpy.abs(slope) < given.l1 - 1e-6)).sum())
            print(f"| {name} | {'' if s['ending']['reason'] == 'gradient_norm' else 'more than '}{cost(s):.0f} | {primal:.13f} | {gap:.1e} | "
                  f"{int((w == 0).sum())} | {wrong} |", flush=True)
        print("\nwithout a bias\n\n| method | gap after 1 pass | 10 | 100 | zeros |\n| --- | ---: | ---: | ---: | ---: |", flush=True)
        for name, config, section in STOCHASTIC:
            if not wanted(name):
                continue
            gaps = []
            for epochs in (1, 10, 100):
                run = pathlib.Path(folder) / "stochastic"
                train(given.talweg, given.file, config, [f"run.epochs={epochs}", f"{section}.l1={given.l1}"], run)
                w, b = parameters(given.talweg, run)
                gaps.append(duality_gap(a, y, w, b, given.l1, 1e-4, free_bias=False)[1])
            print(f"| {name} | {' | '.join(f'{gap:.1e}' for gap in gaps)} | {int((w == 0).sum())} |", flush=True)


if __name__ == "__main__":
    main()
