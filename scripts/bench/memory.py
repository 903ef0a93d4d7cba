#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whether memory grows with steps, and whether its peak is as expected: memory.py [--steps N] [--ranks N] [--config FILE]

1. flat   N steps (2 000 000) of a tiny net, with everything as by default and again without rows of the trace: resident memory of every
          rank is sampled while it runs. Flat: the median of the last quarter of a rank's samples is at most 2 % and 1 MB above that of the second.
2. peak   a run of a real size with a checkpoint (--config: any config, else 784-512-512-10 on random data): the largest resident memory of
          every rank beside parameters + state + sums + activations + shard + the copy that checkpoints are written from, as `talweg bench` has them for rank 0.
Ends with 1 when memory grew. Needs a build in build/ (or $TALWEG_BUILD).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from common import TALWEG, check_build, environment, launcher, machine, run, write_problem

MEGA = 1e6


def status(pid, key):
    """Bytes of a line of /proc/PID/status; None when the process is gone."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return None


def ranks_of(pid):
    """The talweg processes among pid and its descendants."""
    found, todo = [], [pid]
    while todo:
        now = todo.pop()
        try:
            if pathlib.Path(f"/proc/{now}/comm").read_text().strip() == "talweg":
                found.append(now)
            for task in pathlib.Path(f"/proc/{now}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return sorted(found)


def watch(command, interval):
    """Runs it; per rank the samples of resident memory and the largest sample, and its standard output."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([str(c) for c in command], env=environment(), stdout=out, stderr=subprocess.PIPE, text=True)
        samples, largest = {}, {}
        while process.poll() is None:
            for pid in ranks_of(process.pid):
                now, most = status(pid, "VmRSS"), status(pid, "VmHWM")
                if now:
                    samples.setdefault(pid, []).append(now)
                    largest[pid] = most
            time.sleep(interval)
        if process.returncode != 0:
            sys.exit(f"{' '.join(str(c) for c in command)}: exit code {process.returncode}\n{process.stderr.read()}")
        out.seek(0)
        return samples, largest, out.read()


def flat(options, says, more):
    with tempfile.TemporaryDirectory() as folder:
        config = write_problem(pathlib.Path(folder), [16, 8, 2], 32, "adam", 0.001, 1024, f"steps = {options.steps}")
        command = [*launcher(options.ranks, "--oversubscribe"), TALWEG, "train", config, "--threads", 1, "--progress", "none", "--json", "--run", f"{folder}/run", *more]
        samples, _, text = watch(command, 0.01)
        summary = json.loads(text)
    print(f"{summary['step']} steps of {summary['model']}, {options.ranks} rank(s), {summary['seconds']['part']:.1f} s, {says}")
    grew = False
    for rank, (_, found) in enumerate(sorted(samples.items())):
        if len(found) < 40:
            sys.exit(f"rank {rank}: {len(found)} samples, expected at least 40; give more --steps")
        quarter = len(found) // 4
        early, late = statistics.median(found[quarter : 2 * quarter]), statistics.median(found[-quarter:])
        grown = late - early > max(0.02 * early, 1e6)
        grew = grew or grown
        # The middles of those quarters are half the run apart.
        slope = f", {(late - early) / (options.steps / 2):.0f} bytes a step" if grown else ""
        print(f"  rank {rank}: {len(found)} samples, second quarter {early / MEGA:.2f} MB, last {late / MEGA:.2f} MB, largest {max(found) / MEGA:.2f}: "
              f"{'GREW' if grown else 'flat'}{slope}", flush=True)
    return grew


def peak(options):
    with tempfile.TemporaryDirectory() as folder:
        config = options.config or write_problem(pathlib.Path(folder), [784, 512, 512, 10], 256, "adam", 0.001, 8000)
        start = [*launcher(options.ranks, "--oversubscribe"), TALWEG]
        bench = json.loads(run([*start, "bench", config, "--json", "--seconds", 0.5, "--threads", 1]))
        more = ["--set", "trace.evaluate_every=0", "--set", "checkpoint.every_steps=20", "--threads", 1]
        _, largest, _ = watch([*start, "train", config, "--progress", "none", "--json", "--run", f"{folder}/run", *more], 0.002)
    expected = bench["expected_bytes"]
    base = bench["resident_bytes_before"]
    whole = base + sum(expected.values())
    print(f"{bench['model']}, {bench['method']}, {options.ranks} rank(s), a checkpoint every 20 steps, MB:")
    print(f"  expected at most {whole / MEGA:.1f}: program {base / MEGA:.1f}, " + ", ".join(f"{k.replace('_', ' ')} {v / MEGA:.1f}" for k, v in expected.items()))
    for rank, (_, bytes_) in enumerate(sorted(largest.items())):
        print(f"  rank {rank}: {bytes_ / MEGA:.1f} resident at most, {100 * bytes_ / whole:.0f} % of that", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2_000_000)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--config", type=lambda name: pathlib.Path(name).resolve())
    options = parser.parse_args()
    check_build()
    print(machine(), flush=True)
    grew = flat(options, "everything by default", [])
    grew = flat(options, "without rows of the trace", ["--set", f"trace.every={options.steps + 1}"]) or grew
    print(flush=True)
    peak(options)
    sys.exit(1 if grew else 0)


if __name__ == "__main__":
    main()
