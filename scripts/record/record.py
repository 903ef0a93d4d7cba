#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a program computes and sends, to compare it with another: the bytes of the parameters and of the trace of a spread of runs
(every method; ranks, threads and placements; kinds of data; resumed runs), and the messages and bytes of each.

    record.py record PROGRAM -o FILE.json     runs everything once and writes down what came out
    record.py compare BEFORE AFTER            each a program or a record; exits 1 where bits differ or messages are more
    record.py speed BEFORE AFTER              `talweg bench` of three configs, A B A B, medians of ratios

Bits are promised for one build and one class of processors: compare records of one machine, made by one compiler.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import h5py
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ROOT / "configs/digits_mlp.toml"
SHAPES = [(1, 1, "replicated"), (2, 1, "replicated"), (3, 1, "sharded"), (2, 2, "coordinator"), (1, 2, "coordinator")]
COMMON = ["run.epochs=", "run.steps=44", "checkpoint.every_steps=9", "trace.evaluate_every=0.5"]
LINEAR = ["model.kind=linear", "model.hidden=", "model.activation=", "run.precision=float64"]
CONVEX = [*LINEAR, "regularizer.l2=0.01", "regularizer.include_bias=true"]
# What a method may ask for: the first that `talweg check` takes.
KINDS = [kind + batch + more for kind in ([], CONVEX) for batch in ([], ["run.batch=full"]) for more in ([], ["method.iterations=40"])]
STEP_COLUMNS = ["step", "examples", "gradient_evaluations", "hvp_evaluations", "value_evaluations", "loss", "gradient_norm",
                "update_norm", "parameter_norm", "learning_rate"]
BENCHES = {"784-512-512-10, Adam": ([784, 512, 512, 10], 256, "adam"), "64-128-10, SGD": ([64, 128, 10], 64, "sgd"),
           "784-128-10, Adam": ([784, 128, 10], 32, "adam")}


def environment():
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.geteuid() == 0 else {}
    return dict(os.environ) | root


def call(program, *words, ranks=0, ok=True):
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run([*launcher, str(program), *map(str, words)], env=environment(), capture_output=True, text=True)
    if ok and done.returncode != 0:
        sys.exit(f"{program} {' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
    return done


def settings(keys):
    return [word for key in keys for word in ("--set", key)]


def digest(*arrays):
    sha = hashlib.sha256()
    for array in arrays:
        array = numpy.ascontiguousarray(array)
        sha.update(str(array.dtype).encode() + str(array.shape).encode() + array.tobytes())
    return sha.hexdigest()[:24]


def bits_of(program, run, folder):
    """Of the parameters that `export` gives, and of the columns of the trace in which no time shows."""
    file = folder / "out.npz"
    call(program, "export", run, "-o", file)
    with numpy.load(file) as arrays:
        parameters = digest(*(arrays[name] for name in sorted(arrays.files)))
    with h5py.File(run / "trace.h5") as trace:
        columns = [trace[name][()] for name in STEP_COLUMNS if name in trace]
        looks = trace["evaluation"]
        columns += [looks[name][()] for name in sorted(looks) if name != "seconds"]
        return {"parameters": parameters, "trace": digest(*columns)}


def small_data(folder):
    """Files of other kinds than the digits' CSV, the same in every call."""
    rng = random.Random(1)
    rows = []
    for _ in range(400):
        columns = sorted(rng.sample(range(1, 60), 7))
        values = [round(rng.uniform(-1, 1), 3) for _ in columns]
        label = 1 if sum(v * (-1) ** c for v, c in zip(values, columns)) > 0 else -1
        rows.append(f"{label:+d} " + " ".join(f"{c}:{v}" for c, v in zip(columns, values)))
    (folder / "sparse.libsvm").write_text("\n".join(rows) + "\n")
    numbers = numpy.random.default_rng(1)
    x = numbers.standard_normal((300, 9))
    numpy.save(folder / "rows.npy", x)
    numpy.save(folder / "targets.npy", x @ numpy.arange(1, 10) + 0.1 * numbers.standard_normal(300))
    configs = {
        "libsvm": '[data]\ntrain = "sparse.libsvm"\nholdout = 0.2\n[model]\nkind = "linear"\nloss = "logistic"\n',
        "npy": '[data]\ntrain = {path = "rows.npy", labels = "targets.npy"}\ntransform = "standardize"\n'
               '[model]\nkind = "linear"\nloss = "squared"\n',
        "problem": '[problem]\nname = "quadratic"\n',
    }
    for name, text in configs.items():
        (folder / f"{name}.toml").write_text(text)
    return {name: folder / f"{name}.toml" for name in configs}


def runs(program, folder):
    """Name, config, keys, shape, and the shape on which the second half is run (nothing: it is not resumed)."""
    names = [m["name"] for m in json.loads(call(program, "methods", "--json").stdout)["methods"]]
    for k, name in enumerate(names):
        for kind in KINDS:
            keys = [f"method.name={name}", "method.lr=", *COMMON, *kind]
            if call(program, "check", DIGITS, *settings(keys), ok=False).returncode == 0:
                break
        else:
            sys.exit(f"{name}: no config here that it takes")
        yield name, DIGITS, keys, SHAPES[k % len(SHAPES)], SHAPES[(k + 2) % len(SHAPES)]
    more = {"libsvm": [("svrg", []), ("lbfgs", ["run.batch=full"]), ("proximal_gradient", ["run.batch=full", "regularizer.l1=0.01"])],
            "npy": [("adam", []), ("saga", []), ("sgd", ["run.precision=float64"])],
            "problem": [("gd", ["run.batch=full"])]}
    for data, config in small_data(folder).items():
        for k, (name, keys) in enumerate(more[data]):
            chosen = [f"method.name={name}", *COMMON, *keys]
            yield f"{data} {name}", config, chosen, SHAPES[(k + 1) % len(SHAPES)], None
    for shape in SHAPES:  # one run on every shape
        ranks, threads, placement = shape
        yield (f"adam {ranks}x{threads} {placement}", DIGITS, ["method.name=adam", "run.epochs=2", "trace.full_gradient=true"], shape,
               None)


def train(program, config, run, keys, shape):
    ranks, threads, placement = shape
    call(program, "train", config, "--run", run, "--threads", threads, "--progress", "none",
         *settings([*keys, f"run.placement={placement}"]), ranks=ranks)
    return json.loads((run / "summary.json").read_text())


def traffic(summary):
    return {key: summary[key] for key in ("messages", "bytes")}


def record(program):
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for k, (title, config, keys, shape, second) in enumerate(runs(program, folder)):
            run = folder / f"run-{k}"
            halves = [[*keys, "run.steps=41"], keys] if second else [keys]
            for part, shape_now in zip(halves, [shape, second]):
                summary = train(program, config, run, part, shape_now)
            shapes = ", then ".join("{}x{} {}".format(*s) for s in (shape, second) if s)
            found[title] = bits_of(program, run, folder) | {"shape": shapes, "sent in the last part": traffic(summary)}
            print(f"{title:28} {shapes:40} {found[title]['parameters']}", flush=True)
    return {"machine": machine(), "version": call(program, "--version").stdout.strip(), "runs": found}


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    fields = {k.strip(): v.strip() for k, v in (line.split(":", 1) for line in text.splitlines() if ":" in line)}
    isa = "AVX-512" if "avx512f" in fields.get("flags", "") else "AVX2" if "avx2" in fields.get("flags", "") else "no AVX2"
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout.splitlines()
    return f"{fields.get('model name')}, {isa}, {compiler[0] if compiler else 'no compiler'}"


def recorded(name):
    return json.loads(pathlib.Path(name).read_text()) if name.endswith(".json") else record(name)


def compare(before, after):
    a, b = recorded(before), recorded(after)
    if a["machine"] != b["machine"]:
        print(f"other machines, so bits may differ: {a['machine']}; {b['machine']}")
    wrong, sent = 0, []
    for title in sorted(a["runs"].keys() | b["runs"].keys()):
        one, two = a["runs"].get(title), b["runs"].get(title)
        if one is None or two is None:
            print(f"{title}: only in {before if two is None else after}")
            wrong += 1
            continue
        for what in ("parameters", "trace"):
            if one[what] != two[what]:
                print(f"{title} on {one['shape']}: other bits in its {what}")
                wrong += 1
        was, now = one["sent in the last part"], two["sent in the last part"]
        if was != now:
            sent.append((title, one["shape"], was, now))
    print(f"{len(a['runs'])} runs, {wrong} differences in bits")
    more = 0
    if sent:
        print(f"\n{'sent in the last part of':24} {'':42} {'messages':>9} {'then':>9} {'bytes':>12} {'then':>12}")
    for title, shape, was, now in sent:
        grew = now["messages"] > was["messages"]
        more += grew
        print(f"{title:24} {shape:42} {was['messages']:9} {now['messages']:9} {was['bytes']:12} {now['bytes']:12}"
              f"{'  more messages' if grew else ''}")
    print(f"other counts in {len(sent)} runs, more messages in {more}")
    return 1 if wrong or more else 0


def bench(program, config, ranks):
    return json.loads(call(program, "bench", config, "--json", "--seconds", "1", "--threads", "1" if ranks > 1 else "2",
                           ranks=ranks).stdout)["examples_per_second"]


def speed(before, after, rounds):
    sys.path.insert(0, str(ROOT / "scripts/bench"))
    import common

    with tempfile.TemporaryDirectory() as name:
        for title, (layers, batch, method) in BENCHES.items():
            folder = pathlib.Path(name) / method / str(batch)
            folder.mkdir(parents=True, exist_ok=True)
            config = common.write_problem(folder, layers, batch, method, 0.001, 20000)
            for ranks in (1, 2):
                ratios = []
                for _ in range(rounds):
                    a = bench(before, config, ranks)
                    ratios.append(bench(after, config, ranks) / a)
                print(f"{title}, {'2x1' if ranks == 2 else '1x2'}: {statistics.median(ratios):.3f} of the speed before "
                      f"({min(ratios):.3f} to {max(ratios):.3f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("record")
    one.add_argument("program")
    one.add_argument("-o", required=True)
    two = commands.add_parser("compare")
    three = commands.add_parser("speed")
    for command in (two, three):
        command.add_argument("before")
        command.add_argument("after")
    three.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    if options.command == "record":
        pathlib.Path(options.o).write_text(json.dumps(record(options.program), indent=1) + "\n")
    elif options.command == "compare":
        sys.exit(compare(options.before, options.after))
    else:
        speed(options.before, options.after, options.rounds)


if __name__ == "__main__":
    main()
