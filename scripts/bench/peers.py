#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Talweg beside PyTorch and scikit-learn, on the same data and shapes: peers.py [--pairs N] [--seconds S] [--case NAME]... [--a9a FILE]

Every mode of every program gets a block of S seconds (2) in turn, N rounds (10) of them: machines change speed while one looks.
A ratio is the median over rounds of Talweg's figure by that of PyTorch's best mode in the same round. Blocks are steps alone:
forward, backward, update, on shuffled minibatches; reading data and starting up are left out for all. Needs a build in build/ (or $TALWEG_BUILD);
installs its peers (Debian's python3-torch, python3-sklearn, OpenBLAS) when it may.
"""
import argparse
import datetime
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TALWEG_BUILD", ROOT / "build"))
PACKAGES = ["python3-torch", "python3-sklearn", "python3-numpy", "libopenblas0-pthread"]
CASES = {  # layers, batch
    "784-512-512-10": ([784, 512, 512, 10], 256),
    "784-2048-2048-10": ([784, 2048, 2048, 10], 512),
    "64-128-10": ([64, 128, 10], 64),
    "784-128-10": ([784, 128, 10], 32),
}
METHODS = {"sgd": 0.01, "adam": 0.001}  # and their lr
EXAMPLES = 8000
# name: processes, threads of PyTorch, threads of its BLAS
TORCH_MODES = {"1 thread": (1, 1, 1), "2 BLAS threads": (1, 1, 2), "2 threads": (1, 2, 1), "DDP x 2": (2, 1, 1)}
TALWEG_MODES = {"1x2": (1, 2), "2x1": (2, 1), "1x1": (1, 1)}  # ranks, threads


def install():
    missing = [p for p in PACKAGES if subprocess.run(["dpkg", "--status", p], capture_output=True).returncode != 0]
    if missing:
        print("== installing:", *missing, flush=True)
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*as_root, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing], check=True)


# ---------------------------------------------------------------------------------------------------------------- PyTorch


def torch_worker(case, method, processes, threads):
    """Reads seconds from stdin, runs so long, prints examples per second."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    layers, batch = CASES[case]
    rank = int(os.environ.get("RANK", "0"))
    rows, targets = torch.rand(EXAMPLES, layers[0]), torch.randint(0, layers[-1], (EXAMPLES,))
    modules = []
    for before, after in zip(layers, layers[1:]):
        modules += [torch.nn.Linear(before, after), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    if processes > 1:
        torch.distributed.init_process_group("gloo")
        model = torch.nn.parallel.DistributedDataParallel(model)
    kind = torch.optim.SGD if method == "sgd" else torch.optim.Adam
    optimizer = kind(model.parameters(), lr=METHODS[method])
    loss = torch.nn.CrossEntropyLoss()
    share = batch // processes
    order, at = torch.randperm(EXAMPLES), 0

    def run(steps):
        nonlocal order, at
        begin = time.perf_counter()
        for _ in range(steps):
            if at + share > EXAMPLES:
                order, at = torch.randperm(EXAMPLES), 0
            chosen = order[at : at + share]
            at += share
            optimizer.zero_grad()
            loss(model(rows[chosen]), targets[chosen]).backward()
            optimizer.step()
        return steps / (time.perf_counter() - begin)

    rate = run(3)
    while True:
        steps = torch.tensor([0])
        if rank == 0:
            line = sys.stdin.readline()
            steps[0] = max(1, int(float(line) * rate)) if line else 0
        if processes > 1:
            torch.distributed.broadcast(steps, 0)
        if steps.item() == 0:
            return
        rate = run(int(steps.item()))
        if rank == 0:
            print(rate * batch, flush=True)


class Torch:
    def __init__(self, case, method, mode):
        processes, threads, blas = TORCH_MODES[mode]
        self.workers = []
        for rank in range(processes):
            env = dict(os.environ, OPENBLAS_NUM_THREADS=str(blas), OMP_NUM_THREADS=str(threads))
            env |= {"RANK": str(rank), "WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}
            command = [sys.executable, __file__, "--torch-worker", case, method, str(processes), str(threads)]
            self.workers.append(subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self.rate(0.3)  # warm, and then still: idle threads of others spin
        self.send(signal.SIGSTOP)

    def send(self, number):
        for worker in self.workers:
            worker.send_signal(number)

    def rate(self, seconds):
        self.send(signal.SIGCONT)
        self.workers[0].stdin.write(f"{seconds}\n")
        self.workers[0].stdin.flush()
        found = float(self.workers[0].stdout.readline())
        self.send(signal.SIGSTOP)
        return found

    def close(self):
        self.send(signal.SIGCONT)
        for worker in self.workers:
            worker.stdin.close()
        for worker in self.workers:
            worker.wait()


# ----------------------------------------------------------------------------------------------------------------- Talweg


class Talweg:
    def __init__(self, config, mode, more=()):
        ranks, threads = TALWEG_MODES[mode]
        self.command = [str(BUILD / "talweg"), "bench", str(config), "--json", "--threads", str(threads)]
        for override in more:
            self.command += ["--set", override]
        self.env = dict(os.environ)
        if ranks > 1:
            self.command = ["mpirun", "-n", str(ranks), *self.command]
        if os.geteuid() == 0:
            self.env |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def figures(self, seconds):
        done = subprocess.run([*self.command, "--seconds", str(seconds)], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(self.command)}: {done.stderr}")
        return json.loads(done.stdout)


def write_problem(folder, case, method):
    import numpy

    layers, batch = CASES[case]
    random = numpy.random.default_rng(1)
    numpy.save(folder / "rows.npy", random.random((EXAMPLES, layers[0]), dtype=numpy.float32))
    numpy.save(folder / "labels.npy", random.integers(0, layers[-1], EXAMPLES, dtype=numpy.uint8))
    config = folder / f"{method}.toml"
    config.write_text(
        f"""[data]
train = {{path = "rows.npy", labels = "labels.npy"}}
[model]
kind = "mlp"
hidden = {layers[1:-1]}
loss = "cross_entropy"
[method]
name = "{method}"
lr = {METHODS[method]}
[run]
epochs = 1
batch = {batch}
"""
    )
    return config


def median_ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs))


def compare_nets(case, method, pairs, seconds):
    with tempfile.TemporaryDirectory() as name:
        config = write_problem(pathlib.Path(name), case, method)
        peers = {mode: Torch(case, method, mode) for mode in TORCH_MODES}
        talweg = {mode: Talweg(config, mode) for mode in TALWEG_MODES}
        rates = {key: [] for key in [*peers, *talweg]}
        share = []
        for _ in range(pairs):
            for mode, run in talweg.items():
                figures = run.figures(seconds)
                rates[mode].append(figures["examples_per_second"])
                if mode == "1x2":
                    share.append(figures["gflops"] / figures["peak_gflops"])
            for mode, peer in peers.items():
                rates[mode].append(peer.rate(seconds))
        for peer in peers.values():
            peer.close()
    best = max(TORCH_MODES, key=lambda mode: statistics.median(rates[mode]))
    row = [f"{case}, {method}"] + [f"{statistics.median(rates[mode]) / 1e3:.1f}k" for mode in TALWEG_MODES]
    row += [f"{statistics.median(rates[best]) / 1e3:.1f}k ({best})"]
    row += [f"{median_ratio(rates[mode], rates[best]):.2f}" for mode in ("1x2", "2x1")]
    row += [f"{median_ratio(rates['1x2'], rates['DDP x 2']):.1f}", f"{median_ratio(rates['2x1'], rates['1x1']):.2f}"]
    row += [f"{100 * statistics.median(share):.0f} %"]
    print("| " + " | ".join(row) + " |", flush=True)


# ----------------------------------------------------------------------------------------------------------- scikit-learn


def compare_sparse(file, pairs, seconds):
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import SGDClassifier

    rows, targets = load_svmlight_file(str(file))
    classifier = SGDClassifier(loss="log_loss", alpha=1e-4)
    with tempfile.TemporaryDirectory() as name:
        config = pathlib.Path(name) / "a9a.toml"
        config.write_text(
            f"""[data]
train = {{path = "{file}", format = "libsvm"}}
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
"""
        )
        talweg = Talweg(config, "1x1")
        ours, theirs = [], []
        for _ in range(pairs):
            ours.append(talweg.figures(seconds)["examples_per_second"])
            begin, passes = time.perf_counter(), 0
            while time.perf_counter() - begin < seconds:
                classifier.partial_fit(rows, targets, classes=sorted(set(targets)))
                passes += 1
            theirs.append(passes * rows.shape[0] / (time.perf_counter() - begin))
    print(f"\na9a, logistic, batch 128, one thread: {statistics.median(ours) / 1e6:.2f}M examples/s, scikit-learn's SGDClassifier "
          f"{statistics.median(theirs) / 1e6:.2f}M, ratio {median_ratio(ours, theirs):.2f}")


def machine():
    with open("/proc/cpuinfo") as info:
        text = info.read()
    model = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    return f"{model}, {os.cpu_count()} cores, {'AVX-512' if 'avx512f' in text else 'AVX2'}, {datetime.date.today()}"


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--torch-worker":
        return torch_worker(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--method", action="append", choices=list(METHODS))
    parser.add_argument("--a9a", type=pathlib.Path, help="the a9a file, to compare with scikit-learn")
    options = parser.parse_args()
    install()
    print(machine() + "\n")
    print("| net, method | 1x2 | 2x1 | 1x1 | PyTorch's best | 1x2 / best | 2x1 / best | 1x2 / DDP | 2x1 / 1x1 | 1x2 of peak |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for case in options.case or CASES:
        for method in options.method or METHODS:
            compare_nets(case, method, options.pairs, options.seconds)
    if options.a9a:
        compare_sparse(options.a9a.resolve(), options.pairs, options.seconds)


if __name__ == "__main__":
    main()
