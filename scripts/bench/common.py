# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the machine, the build, runs of `talweg bench`, medians of ratios."""
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TALWEG_BUILD", ROOT / "build"))
TALWEG = BUILD / "talweg"
MODES = {"1x2": (1, 2), "2x1": (2, 1), "1x1": (1, 1)}  # ranks, threads


def install(packages):
    missing = [p for p in packages if subprocess.run(["dpkg", "--status", p], capture_output=True).returncode != 0]
    if missing:
        print("== installing:", *missing, flush=True)
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*as_root, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing], check=True)


def environment():
    """For mpirun as root too."""
    more = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} if os.geteuid() == 0 else {}
    return dict(os.environ) | more


def run(command, **more):
    done = subprocess.run([str(c) for c in command], env=environment(), capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(c) for c in command)}: exit code {done.returncode}\n{done.stderr}{done.stdout}")
    return done.stdout


def launcher(ranks, *more):
    return ["mpirun", "-n", str(ranks), *more] if ranks > 1 else []


class Talweg:
    """`talweg bench` of one config in one mode."""

    def __init__(self, config, mode, overrides=(), options=()):
        ranks, threads = MODES[mode]
        self.command = [*launcher(ranks), TALWEG, "bench", config, "--json", "--threads", threads, *options]
        for override in overrides:
            self.command += ["--set", override]

    def figures(self, seconds):
        return json.loads(run([*self.command, "--seconds", seconds]))


def write_problem(folder, layers, batch, method, lr, examples, run_section=""):
    """A config and random data for a net of these layers."""
    import numpy

    random = numpy.random.default_rng(1)
    numpy.save(folder / "rows.npy", random.random((examples, layers[0]), dtype=numpy.float32))
    numpy.save(folder / "labels.npy", random.integers(0, layers[-1], examples, dtype=numpy.uint8))
    config = folder / f"{method}.toml"
    config.write_text(f"""[data]
train = {{path = "rows.npy", labels = "labels.npy"}}
[model]
kind = "mlp"
hidden = {layers[1:-1]}
loss = "cross_entropy"
[method]
name = "{method}"
lr = {lr}
[run]
batch = {batch}
{run_section or "epochs = 1"}
""")
    return config


def median_ratio(ours, theirs):
    """Median ratio over rounds, since a change of the machine's speed changes both figures of a round."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    fields = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    found = {key.strip(): value.strip() for key, value in fields.items()}
    isa = "AVX-512" if "avx512f" in found.get("flags", "") else "AVX2" if "avx2" in found.get("flags", "") else "no AVX2"
    family = f"family {found.get('cpu family')}, model {found.get('model')}"
    return f"{found.get('model name')} ({family}), {os.cpu_count()} cores, {isa}, {datetime.date.today()}"


def check_build():
    if not TALWEG.exists():
        sys.exit(f"{TALWEG}: no such program; build it, or name the folder of a build in TALWEG_BUILD")
