#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch at its best, in separate processes. As a program it is one of them, and does what its first argument says:

    steps JSON      steps of training; a block of so many seconds per line read, examples/s per line written
    gemm            square matrix products by its BLAS on one thread; the same, GFLOP/s of the best
    probe           speed and error of the products that linear layers ask for, as JSON
    target JSON     trains on MNIST files until the held-out accuracy is reached; seconds and passes as JSON

OpenBLAS chooses its kernels by the CPU, or by OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE where a machine's owner has set them, and
they decide more than anything else here. best_blas() therefore tries the environment as it is, without them, and with each kernel
Debian's build has, in each of Debian's three builds (found through LD_LIBRARY_PATH: the system's alternatives stay as they are),
and takes the fastest whose products are right.
"""
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time

PACKAGES = ["python3-torch", "python3-sklearn", "python3-numpy", "python3-h5py", "libopenblas0-pthread", "libopenblas0-openmp", "libopenblas0-serial"]
BUILDS = ["pthread", "openmp", "serial"]
KERNELS = ["SkylakeX", "Cooperlake", "Haswell", "Zen"]
TOLERANCE = 1e-5  # largest error by the largest element; single precision over a thousand terms stays below 1e-6
# name: processes, threads of PyTorch, threads of its BLAS, build of OpenBLAS (none: the best on one thread), pinned to cores
MODES = {
    "1 thread": (1, 1, 1, None, False),
    "2 BLAS threads (pthread)": (1, 1, 2, "pthread", False),
    "2 threads, BLAS on 1": (1, 2, 1, "pthread", False),
    "2 + 2 threads (pthread)": (1, 2, 2, "pthread", False),
    "2 threads (openmp)": (1, 2, 2, "openmp", False),
    "DDP x 2": (2, 1, 1, None, False),
    "DDP x 2, pinned": (2, 1, 1, None, True),
}


def best_of_its_kind(trial):
    """Of the modes' rates: one thread, the best with two threads, the best DDP."""
    kinds = [["1 thread"], [m for m in MODES if m.startswith("2")], [m for m in MODES if m.startswith("DDP")]]
    return [max(kind, key=lambda mode: trial[mode]) for kind in kinds]


# ------------------------------------------------------------------------------------------------------------ the BLAS


def folder_of(build):
    import glob

    found = glob.glob(f"/usr/lib/*/openblas-{build}")
    return found[0] if found else None


def blas_environment(settings, build=None):
    """os.environ with the BLAS of `settings`, in another build where one is named."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")} | settings["variables"]
    folder = folder_of(build or settings["build"])
    env["LD_LIBRARY_PATH"] = os.pathsep.join(p for p in (folder, os.environ.get("LD_LIBRARY_PATH")) if p)
    return env


def best_blas(note=print):
    """The fastest correct BLAS on one thread: {"build", "variables", "name", "gflops"}."""
    given = {k: os.environ[k] for k in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if k in os.environ}
    tries = {"kernels by the CPU": {}}
    if given:
        tries["as set here: " + " ".join(f"{k}={v}" for k, v in given.items())] = given
    if "OPENBLAS_L2_SIZE" in given:
        tries["kernels by the CPU, cache size as set"] = {"OPENBLAS_L2_SIZE": given["OPENBLAS_L2_SIZE"]}
    tries |= {kernel: {"OPENBLAS_CORETYPE": kernel} for kernel in KERNELS}
    found = []
    for name, variables in tries.items():
        for build in BUILDS if not found else [found[0]["build"]]:  # builds differ in threads, not in kernels
            settings = {"build": build, "variables": variables, "name": f"{name} ({build})"}
            env = blas_environment(settings) | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            done = subprocess.run([sys.executable, __file__, "probe"], env=env, capture_output=True, text=True)
            if done.returncode != 0:
                note(f"  {settings['name']}: ended with {done.returncode}, left out")
                continue
            probe = json.loads(done.stdout)
            right = probe["error"] <= TOLERANCE
            note(f"  {settings['name']}: {probe['gflops']:.0f} GFLOP/s, error {probe['error']:.1e}{'' if right else ': WRONG, left out'}")
            if right:
                found.append(settings | {"gflops": probe["gflops"]})
        found.sort(key=lambda s: -s["gflops"])
    if not found:
        sys.exit("no BLAS of PyTorch gives right products here")
    # Within the noise of the machine, the default build wins.
    near = [s for s in found if s["gflops"] >= 0.97 * found[0]["gflops"]]
    best = next((s for s in near if not s["variables"]), found[0])
    note(f"taken for PyTorch: {best['name']}")
    return best


def probe():
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    worst, best = 0.0, 0.0
    products = [(256, 784, 512, False, True), (256, 512, 512, False, False), (512, 256, 784, True, False), (64, 2048, 2048, False, True), (33, 65, 129, False, True)]
    for m, k, n, ta, tb in products:
        a = torch.rand(*((k, m) if ta else (m, k))) - 0.5
        b = torch.rand(*((n, k) if tb else (k, n))) - 0.5
        a, b = a.t() if ta else a, b.t() if tb else b
        right = a.double() @ b.double()
        worst = max(worst, float((torch.mm(a, b).double() - right).abs().max() / right.abs().max()))
    a, b, c = torch.rand(768, 768), torch.rand(768, 768), torch.empty(768, 768)
    until = time.perf_counter() + 0.5
    while time.perf_counter() < until:
        begin = time.perf_counter()
        torch.mm(a, b, out=c)
        best = max(best, 2e-9 * 768**3 / (time.perf_counter() - begin))
    print(json.dumps({"gflops": best, "error": worst}))


# ------------------------------------------------------------------------------------------------------------ workers


def network(layers, he=False):
    import torch

    modules = []
    for before, after in zip(layers, layers[1:]):
        linear = torch.nn.Linear(before, after)
        if he:  # as Talweg's init: normal weights, zero biases
            torch.nn.init.normal_(linear.weight, std=(2 / before) ** 0.5)
            torch.nn.init.zeros_(linear.bias)
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def optimizer_of(method, model, lr):
    import torch

    return (torch.optim.SGD if method == "sgd" else torch.optim.Adam)(model.parameters(), lr=lr)


def steps_worker(case):
    import torch

    torch.set_num_threads(case["threads"])
    torch.manual_seed(1)
    rank, processes = int(os.environ["RANK"]), case["processes"]
    if case["pinned"]:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})
    layers, examples = case["layers"], case["examples"]
    rows, targets = torch.rand(examples, layers[0]), torch.randint(0, layers[-1], (examples,))
    model = network(layers)
    if processes > 1:
        torch.distributed.init_process_group("gloo")
        model = torch.nn.parallel.DistributedDataParallel(model, broadcast_buffers=False, gradient_as_bucket_view=True)
    optimizer = optimizer_of(case["method"], model, case["lr"])
    loss = torch.nn.CrossEntropyLoss()
    share = case["batch"] // processes
    order, at = torch.randperm(examples), 0

    def run(steps):
        nonlocal order, at
        begin = time.perf_counter()
        for _ in range(steps):
            if at + share > examples:
                order, at = torch.randperm(examples), 0
            chosen = order[at : at + share]
            at += share
            optimizer.zero_grad(set_to_none=processes == 1)  # DDP keeps its buckets
            loss(model(rows[chosen]), targets[chosen]).backward()
            optimizer.step()
        return steps / (time.perf_counter() - begin)

    run(3)
    rate = run(5)
    while True:
        steps = torch.tensor([0])
        if rank == 0:
            line = sys.stdin.readline()
            steps[0] = max(1, int(float(line) * rate)) if line else 0
        if processes > 1:
            torch.distributed.broadcast(steps, 0)
        if steps.item() == 0:
            os._exit(0)  # gloo's threads would report errors at a normal exit
        rate = run(int(steps.item()))
        if rank == 0:
            print(rate * case["batch"], flush=True)


def gemm_worker():
    import torch

    torch.set_num_threads(1)
    squares = [(torch.rand(n, n), torch.rand(n, n), torch.empty(n, n)) for n in (512, 768, 1024)]
    for line in sys.stdin:
        best, until = 0.0, time.perf_counter() + float(line)
        while time.perf_counter() < until:
            for a, b, c in squares:
                begin = time.perf_counter()
                torch.mm(a, b, out=c)
                best = max(best, 2e-9 * a.shape[0] ** 3 / (time.perf_counter() - begin))
        print(best, flush=True)


def target_worker(case):
    """The same net, start, data, split sizes, batch, method and lr as configs/mnist_t10k_mlp.toml. The clock starts when the data is in
    memory, and stops after the evaluation of the held-out part that reaches the target; one follows every pass."""
    import numpy
    import torch

    torch.set_num_threads(case["threads"])
    torch.manual_seed(case["seed"])
    with gzip.open(case["images"]) as file:
        rows = torch.from_numpy(numpy.frombuffer(file.read()[16:], numpy.uint8).reshape(-1, 784).astype(numpy.float32) / 255)
    with gzip.open(case["labels"]) as file:
        targets = torch.from_numpy(numpy.frombuffer(file.read()[8:], numpy.uint8).astype(numpy.int64))
    shuffled = torch.randperm(len(rows))
    train, held = shuffled[: case["train"]], shuffled[case["train"] :]
    rows, targets, held_rows, held_targets = rows[train], targets[train], rows[held], targets[held]
    torch.nn.CrossEntropyLoss()(network([784, 16, 10])(rows[:32]), targets[:32]).backward()  # libraries load and threads start
    begin = time.perf_counter()
    model = network(case["layers"], he=True)
    optimizer = optimizer_of(case["method"], model, case["lr"])
    loss = torch.nn.CrossEntropyLoss()
    for epoch in range(1, case["epochs"] + 1):
        order = torch.randperm(len(rows))
        for at in range(0, len(rows), case["batch"]):
            chosen = order[at : at + case["batch"]]
            optimizer.zero_grad(set_to_none=True)
            loss(model(rows[chosen]), targets[chosen]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = float((model(held_rows).argmax(1) == held_targets).float().mean())
        if accuracy >= case["target"]:
            break
    print(json.dumps({"seconds": time.perf_counter() - begin, "epochs": epoch, "accuracy": accuracy}))


class Worker:
    """Processes that run a block when asked, and are stopped in between, because idle threads spin."""

    def __init__(self, blas, arguments, processes=1, threads=1, blas_threads=1, build=None):
        self.processes = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for rank in range(processes):
            env = blas_environment(blas, build) | {"OPENBLAS_NUM_THREADS": str(blas_threads), "OMP_NUM_THREADS": str(threads)}
            env |= {"RANK": str(rank), "WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            command = [sys.executable, __file__, *arguments]
            self.processes.append(subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def send(self, number):
        for process in self.processes:
            process.send_signal(number)

    def block(self, seconds):
        """The worker's answer after a block of so many seconds."""
        self.send(signal.SIGCONT)
        self.processes[0].stdin.write(f"{seconds}\n")
        self.processes[0].stdin.flush()
        line = self.processes[0].stdout.readline()
        if not line:
            sys.exit(f"{self.processes[0].args}: ended before its block was done")
        self.send(signal.SIGSTOP)
        return float(line)

    def close(self):
        self.send(signal.SIGCONT)
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            process.wait()


def steps_in(mode, blas, case):
    processes, threads, blas_threads, build, pinned = MODES[mode]
    case = case | {"processes": processes, "threads": threads, "pinned": pinned}
    return Worker(blas, ["steps", json.dumps(case)], processes, threads, blas_threads, build)


def run_target(mode, blas, case):
    processes, threads, blas_threads, build, _ = MODES[mode]
    env = blas_environment(blas, build) | {"OPENBLAS_NUM_THREADS": str(blas_threads), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, "target", json.dumps(case | {"threads": threads})]
    return json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    WORKERS = {"steps": steps_worker, "gemm": gemm_worker, "probe": probe, "target": target_worker}
    if len(sys.argv) < 2 or sys.argv[1] not in WORKERS:
        sys.exit(__doc__)
    WORKERS[sys.argv[1]](*(json.loads(a) for a in sys.argv[2:]))
