#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Talweg beside PyTorch and scikit-learn, on the same data and shapes.

    peers.py [--quick] [--pairs N] [--seconds S] [--part NAME]... [--case NAME]... [--method sgd|adam]... [--mnist FOLDER] [--a9a FILE]

Every mode of every program gets a block of S seconds (2) in turn, N rounds (10) of them: machines change speed while one looks.
A ratio is the median over rounds of Talweg's figure by that of PyTorch's best mode in the same round. Blocks are steps alone:
forward, backward, update, on shuffled minibatches; reading data and starting up are left out for all. PyTorch gets the fastest BLAS
it can have here (torch_peer.py); of its ways to use two cores the best with threads and the best with processes, found in a trial,
take part in every round. Needs a build in build/ (or $TALWEG_BUILD); installs its peers (Debian's) when it may.

Parts: nets, reduction, update, hvp, costs, startup, and, given their data, target (--mnist: the folder with
t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz) and sparse (--a9a: the LIBSVM file). All by default.
"""
import argparse
import json
import pathlib
import re
import statistics
import sys
import tempfile
import time

import torch_peer
from common import ROOT, TALWEG, MODES, Talweg, check_build, install, launcher, machine, median_ratio, run, write_problem

CASES = {  # layers, batch, overrides of Talweg
    "784-512-512-10": ([784, 512, 512, 10], 256, []),
    "784-2048-2048-10": ([784, 2048, 2048, 10], 512, []),
    "784-2048-2048-10, leaf 128": ([784, 2048, 2048, 10], 512, ["run.leaf=128"]),
    "64-128-10": ([64, 128, 10], 64, []),
    "784-128-10": ([784, 128, 10], 32, []),
}
METHODS = {"sgd": 0.01, "adam": 0.001}  # and their lr
EXAMPLES = 8000
LARGE = [784, 5248, 5248, 10]  # 31.7 million parameters: an update far larger than a cache
median = statistics.median


def percent(value):
    return f"{100 * value:.0f} %"


def net_problem(folder, case, method, run_section=""):
    layers, batch, _ = CASES[case]
    return write_problem(pathlib.Path(folder), layers, batch, method, METHODS[method], EXAMPLES, run_section)


# ------------------------------------------------------------------------------------------------------------- nets


def start_peers(blas, case, method):
    """One worker for each mode of PyTorch, and one for its matrix products, all paused."""
    layers, batch, _ = CASES[case]
    asked = {"layers": layers, "batch": batch, "method": method, "lr": METHODS[method], "examples": EXAMPLES}
    workers = {mode: torch_peer.steps_in(mode, blas, asked) for mode in torch_peer.MODES}
    for worker in workers.values():
        worker.block(0.1)
    trial = {mode: max(worker.block(0.4) for _ in range(2)) for mode, worker in workers.items()}
    kept = torch_peer.best_of_its_kind(trial)
    for mode in workers:
        if mode not in kept:
            workers[mode].close()
    gemm = torch_peer.Worker(blas, ["gemm"])
    gemm.block(0.1)
    return {mode: workers[mode] for mode in kept}, gemm


def compare_net(blas, case, method, options):
    with tempfile.TemporaryDirectory() as folder:
        config = net_problem(folder, case, method)
        peers, gemm = start_peers(blas, case, method)
        ours = {mode: Talweg(config, mode, CASES[case][2]) for mode in MODES}
        rates = {key: [] for key in [*peers, *ours]}
        shares = {"gemm": [], "own gemm": [], "fma": []}
        for _ in range(options.pairs):
            for mode, talweg in ours.items():
                figures = talweg.figures(options.seconds)
                rates[mode].append(figures["examples_per_second"])
                if mode == "1x2":
                    shares["gemm"].append(figures["gflops"] / (2 * gemm.block(min(0.3, options.seconds))))
                    shares["own gemm"].append(figures["gflops"] / figures["peak_gflops"])
                    shares["fma"].append(figures["gflops"] / figures["fma_peak_gflops"])
            for mode, peer in peers.items():
                rates[mode].append(peer.block(options.seconds))
        for worker in [*peers.values(), gemm]:
            worker.close()
    best = max(peers, key=lambda mode: median(rates[mode]))
    processes = next(mode for mode in peers if mode.startswith("DDP"))
    row = [f"{case}, {method}"] + [f"{median(rates[mode]) / 1e3:.1f}k" for mode in ours]
    row += [f"{median(rates[best]) / 1e3:.1f}k ({best})"]
    row += [f"{median_ratio(rates[mode], rates[best]):.2f}" for mode in ("1x2", "2x1")]
    row += [f"{median_ratio(rates['1x2'], rates[processes]):.1f}", f"{median_ratio(rates['2x1'], rates['1x1']):.2f}"]
    row += [" / ".join(percent(median(shares[kind])) for kind in ("gemm", "own gemm", "fma"))]
    print("| " + " | ".join(row) + " |", flush=True)


def nets(blas, options):
    """The ratio table. Shares of peak: Talweg's GFLOP/s by 2 x (PyTorch's sgemm / Talweg's sgemm / multiply-adds in registers), one thread."""
    print("| net, method | 1x2 | 2x1 | 1x1 | PyTorch's best | 1x2 / best | 2x1 / best | 1x2 / DDP | 2x1 / 1x1 | 1x2 of peak: its sgemm / ours / registers |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for case in options.case or CASES:
        for method in options.method or METHODS:
            compare_net(blas, case, method, options)


# ------------------------------------------------------------------------------------------- exact against fast, and others


def reduction(_, options):
    """Time of a step with exact sums by that with fast ones."""
    case = (options.case or list(CASES))[0]
    for method in options.method or METHODS:
        with tempfile.TemporaryDirectory() as folder:
            config = net_problem(folder, case, method)
            for mode in ("1x2", "2x1"):
                ways = {way: Talweg(config, mode, [*CASES[case][2], f"run.reduction={way}"]) for way in ("exact", "fast")}
                rates = {way: [] for way in ways}
                for _ in range(options.pairs):
                    for way, talweg in ways.items():
                        rates[way].append(talweg.figures(options.seconds)["examples_per_second"])
                slower = median_ratio(rates["fast"], rates["exact"]) - 1
                print(f"exact against fast, {case}, {method}, {mode}: {100 * slower:+.1f} % time a step", flush=True)


def update(_, options):
    with tempfile.TemporaryDirectory() as folder:
        config = write_problem(pathlib.Path(folder), LARGE, 64, "adam", METHODS["adam"], 512)
        talweg = Talweg(config, "1x2")
        found = [talweg.figures(max(options.seconds, 2)) for _ in range(min(options.pairs, 5))]
    rate = median(f["update_gigabytes_per_second"] for f in found)
    share = median(f["update_gigabytes_per_second"] / f["triad_gigabytes_per_second"] for f in found)
    print(f"update by adam, {found[0]['parameters'] / 1e6:.1f} million parameters, 1x2: {rate:.1f} GB/s, {percent(share)} of what "
          f"b + s * c reaches ({median(f['triad_gigabytes_per_second'] for f in found):.1f} GB/s)", flush=True)


def hvp(_, options):
    case = (options.case or list(CASES))[0]
    with tempfile.TemporaryDirectory() as folder:
        config = net_problem(folder, case, "sgd")
        for mode in ("1x2", "2x1"):
            talweg = Talweg(config, mode, CASES[case][2], ["--hvp"])
            found = [talweg.figures(2 * options.seconds) for _ in range(min(options.pairs, 5))]
            for kind, says in (("moved", "at a point that has moved"), ("kept", "at the same point again")):
                ratio, flop = median(f["ratio"][kind] for f in found), found[0]["flop_ratio"][kind]
                print(f"Hessian-vector product {says}, {case}, {mode}: {ratio:.2f} gradients, flop {flop:.2f}, {ratio / flop:.2f} of it", flush=True)


def costs(_, options):
    """Trace and checkpoints at their defaults, in runs long enough to have some."""
    for case in ("784-512-512-10", "64-128-10"):
        with tempfile.TemporaryDirectory() as folder:
            config = net_problem(folder, case, "adam")
            rate = Talweg(config, "1x2").figures(0.5)["examples_per_second"]
            epochs = max(1, round(5 * options.seconds * rate / EXAMPLES))
            text = run([TALWEG, "train", config, "--threads", 2, "--progress", "none", "--json", "--run", f"{folder}/run",
                        "--set", f"run.epochs={epochs}", "--set", "trace.evaluate_every=0", *set_all(CASES[case][2])])
            summary = json.loads(text)
            seconds = summary["seconds"]
            print(f"costs of a run, {case}, adam, 1x2, {summary['step']} steps in {seconds['training']:.1f} s: trace "
                  f"{100 * seconds['trace'] / (seconds['training'] + seconds['trace']):.2f} %; a checkpoint {1e3 * seconds['checkpoints']:.0f} ms, "
                  f"{100 * seconds['checkpoints'] / 60:.2f} % at one a minute", flush=True)


def set_all(overrides):
    return [word for override in overrides for word in ("--set", override)]


def startup(_, options):
    """Whole processes: the digits with one step on two ranks (data, step, last evaluation, checkpoint), and mpirun alone."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "digits.toml"
        text = (ROOT / "configs/digits_mlp.toml").read_text().replace('"data/', f'"{ROOT}/configs/data/')
        config.write_text(re.sub(r"^epochs = .*$", "steps = 1", text, flags=re.MULTILINE))
        times, alone = [], []
        for _ in range(max(options.pairs, 5)):
            begin = time.perf_counter()
            run([*launcher(2), TALWEG, "train", config, "--fresh", "--progress", "none", "--run", f"{folder}/run"])
            times.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            run([*launcher(2), "true"])
            alone.append(time.perf_counter() - begin)
    print(f"start-up, digits, 2 ranks, steps = 1, whole process: {median(times):.3f} s (mpirun -n 2 true: {median(alone):.3f} s)", flush=True)


# --------------------------------------------------------------------------------------------------------- to a target


def reached(trace_file, target):
    """Seconds of the run and passes at the first evaluation that reached the target; None when none did."""
    import h5py

    with h5py.File(trace_file) as trace:
        rows = trace["evaluation"]
        for k, accuracy in enumerate(rows["valid_accuracy"][:]):
            if accuracy >= target:
                return float(rows["seconds"][k]), int(rows["step"][k]) / 32
    return None


def target(blas, options):
    """configs/mnist_t10k_mlp.toml to 94.5 % of the held-out fifth. Both clocks start when the data is in memory; both evaluate the
    held-out part after every pass; Talweg's trace and checkpoints are at their defaults. Seeds differ from round to round."""
    wanted, layers = 0.945, [784, 512, 512, 10]
    images, labels = (options.mnist / f"t10k-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    for file in (images, labels):
        if not file.exists():
            sys.exit(f"{file}: no such file; expected the t10k files of the MNIST distribution in {options.mnist}")
    asked = {"images": str(images), "labels": str(labels), "layers": layers, "method": "adam", "lr": 0.001, "batch": 256,
             "train": 8000, "epochs": 30, "target": wanted}
    theirs = {mode: [] for mode in torch_peer.MODES if not mode.startswith("DDP")}
    trial = {mode: torch_peer.run_target(mode, blas, asked | {"seed": 1, "epochs": 2, "target": 2})["seconds"] for mode in theirs}
    kept = torch_peer.best_of_its_kind({mode: 1 / s for mode, s in trial.items()} | {"DDP x 2": 0, "DDP x 2, pinned": 0})[:2]
    ours = {mode: [] for mode in ("1x2", "2x1")}
    passes = {key: [] for key in [*ours, *kept]}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, options.pairs + 1):
            for mode in ours:
                ranks, threads = MODES[mode]
                directory = f"{folder}/run"
                run([*launcher(ranks), TALWEG, "train", ROOT / "configs/mnist_t10k_mlp.toml", "--threads", threads, "--fresh", "--progress", "none",
                     "--run", directory, *set_all([f"data.train.path={images}", f"data.train.labels={labels}", f"run.seed={seed}",
                                                   f"data.split_seed={seed}", "run.epochs=30", "stop.metric=valid_accuracy", "stop.patience=3", "trace.evaluate_train=false"])])
                found = reached(f"{directory}/trace.h5", wanted)
                if found is None:
                    sys.exit(f"seed {seed}: {wanted} was not reached")
                ours[mode].append(found[0])
                passes[mode].append(found[1])
            for mode in kept:
                found = torch_peer.run_target(mode, blas, asked | {"seed": seed})
                if found["accuracy"] < wanted:
                    sys.exit(f"PyTorch, seed {seed}: {wanted} was not reached")
                theirs[mode].append(found["seconds"])
                passes[mode].append(found["epochs"])
    best = min(kept, key=lambda mode: median(theirs[mode]))
    for mode, seconds in ours.items():
        print(f"time to {100 * wanted:.1f} % held out, mnist_t10k_mlp, {mode}: {median(seconds):.3f} s in {median(passes[mode]):.0f} passes; PyTorch ({best}) "
              f"{median(theirs[best]):.3f} s in {median(passes[best]):.0f}; ratio {median(theirs[best]) / median(seconds):.2f}, per pass "
              f"{median(t / p for t, p in zip(theirs[best], passes[best])) / median(t / p for t, p in zip(seconds, passes[mode])):.2f}", flush=True)


# --------------------------------------------------------------------------------------------------------- scikit-learn


def sparse(_, options):
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import SGDClassifier

    rows, targets = load_svmlight_file(str(options.a9a))
    classes = sorted(set(targets))
    classifier = SGDClassifier(loss="log_loss", alpha=1e-4)
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "a9a.toml"
        config.write_text(f"""[data]
train = {{path = "{options.a9a}", format = "libsvm"}}
[model]
kind = "linear"
loss = "logistic"
[regularizer]
l2 = 1e-4
[method]
name = "sgd"
lr = 0.1
[run]
epochs = 1
batch = 128
""")
        talweg = Talweg(config, "1x1")
        ours, theirs = [], []
        for _ in range(options.pairs):
            ours.append(talweg.figures(options.seconds)["examples_per_second"])
            begin, passes = time.perf_counter(), 0
            while time.perf_counter() - begin < options.seconds:
                classifier.partial_fit(rows, targets, classes=classes)
                passes += 1
            theirs.append(passes * rows.shape[0] / (time.perf_counter() - begin))
    print(f"a9a, logistic, batch 128, one thread: {median(ours) / 1e6:.2f}M examples/s, scikit-learn's SGDClassifier "
          f"{median(theirs) / 1e6:.2f}M, ratio {median_ratio(ours, theirs):.2f}", flush=True)


PARTS = {"nets": nets, "reduction": reduction, "update": update, "hvp": hvp, "costs": costs, "startup": startup, "target": target, "sparse": sparse}
NEEDS_BLAS = {"nets", "target"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: 2 pairs of 0.3 s")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--method", action="append", choices=list(METHODS))
    parser.add_argument("--mnist", type=pathlib.Path, help="folder of the t10k files, for the time to a target")
    parser.add_argument("--a9a", type=pathlib.Path, help="the a9a file, to compare with scikit-learn")
    options = parser.parse_args()
    options.pairs = options.pairs or (2 if options.quick else 10)
    options.seconds = options.seconds or (0.3 if options.quick else 2)
    options.mnist = options.mnist and options.mnist.resolve()
    options.a9a = options.a9a and options.a9a.resolve()
    for part, given in (("target", options.mnist), ("sparse", options.a9a)):
        if part in (options.part or []) and given is None:
            parser.error(f"--part {part} needs its data: see --help")
    check_build()
    install(torch_peer.PACKAGES)
    print(machine(), flush=True)
    chosen = [p for p in options.part or PARTS if not (p == "target" and options.mnist is None) and not (p == "sparse" and options.a9a is None)]
    blas = torch_peer.best_blas(lambda line: print(line, flush=True)) if NEEDS_BLAS & set(chosen) else None
    for part in chosen:
        print(flush=True)
        PARTS[part](blas, options)


if __name__ == "__main__":
    main()
