#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Disturbs real runs and counts what does not hold: faults.py TALWEG FAILING_DISK [--long] [--minutes M] [--seed N] [--only F1,F15]

Prints a table: fault, trials, failures, and the largest rate of failures that the trials leave likely (95 %, Clopper-Pearson).
Exit code 1 when anything failed.
"""
import argparse
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from damage import bit_flipped, cut
from disk import WAYS, Disk, disk_fails, killed_in_a_call
from examples import each_once
from fuzz import config_changed, data_changed
from rig import SOURCE, Broken, Job, Rig, expect, gone
from shapes import Methods, another_shape

sys.path.insert(0, str(SOURCE / "scripts/bench"))
from hosts import Hosts, ip  # noqa: E402

ENDING = 20  # seconds mpirun may take to end ranks on a busy machine


def killed_at_any_time(rig, trial, trials):
    """All ranks by SIGKILL at random times, up to three times; resumed on a random number of ranks each time."""
    run = rig.new_run()
    for _ in range(rig.random.randint(1, 3)):
        job = Job(rig, run, rig.random.choice([0, 1, 2, 3]))
        time.sleep(rig.random.uniform(0, 1.1 * rig.duration))
        job.kill_all()
        job.wait()
    rig.finish(run)


def one_killed(rig, trial, trials):
    """Rank 0, another rank, or mpirun alone."""
    run = rig.new_run()
    job = Job(rig, run, 3)
    ranks = rig.started(job, run)
    victim = (ranks[0], ranks[2], job.process.pid)[trial % 3]
    os.kill(victim, signal.SIGKILL)
    begin = time.monotonic()
    code = job.wait(ENDING)
    expect(code in (137, 0), f"exit code {code}, expected 137\n{job.said()}")  # 0: it was done just before
    rig.nothing_left(ranks, files=victim != job.process.pid)  # mpirun removes the shared files, unless it was killed
    expect(time.monotonic() - begin < ENDING, "too slow")
    rig.finish(run)


def one_stopped(rig, trial, trials):
    """SIGSTOP, the deadline being 3 s."""
    run = rig.new_run()
    job = Job(rig, run, 3, ["--set", "run.deadline=3", "--set", "run.steps=1000000"])
    ranks = rig.started(job, run)
    time.sleep(rig.random.uniform(0, 0.5))
    rank = trial % 3
    os.kill(ranks[rank], signal.SIGSTOP)
    code = job.wait(3 + ENDING)
    expect(code == 69, f"exit code {code}, expected 69\n{job.said()}")
    expect(f"rank {rank} on " in job.said(), f"rank {rank} is not named:\n{job.said()}")
    rig.nothing_left(ranks)
    expect(rig.tool("verify", run).returncode == 0, "not whole")
    shutil.rmtree(run)


def stopped_at_start(rig, trial, trials):
    """SIGSTOP before MPI has started; the shortest that a rank waits for the others then is 10 s."""
    run = rig.new_run()
    rank = trial % 2
    program = ["sh", "-c", f'test "$OMPI_COMM_WORLD_RANK" != {rank} || kill -STOP $$; exec "$@"', "sh", rig.talweg]
    job = Job(rig, run, 2, ["--set", "run.deadline=3"], launcher=[*rig.launch(2)[:-1], *program][:-1])
    ranks = job.all_of(2)
    code = job.wait(10 + ENDING)
    expect(code == 69, f"exit code {code}, expected 69\n{job.said()}")
    expect(re.search(f"all ranks to start: rank {rank} .process \\d+. does not run", job.said()), f"rank {rank} is not named:\n{job.said()}")
    rig.nothing_left(ranks)
    rig.finish(run)


def stopped_at_end(rig, trial, trials):
    """SIGSTOP as MPI is to end: all is on the disk, the job ends all the same."""
    run, rank = rig.new_run(), trial % 2
    environment = {"LD_PRELOAD": rig.disk.library, "FAILING_END": "1", "FAILING_RANK": str(rank)}
    job = Job(rig, run, 2, ["--set", "run.deadline=3"], environment)
    ranks = job.all_of(2)
    code = job.wait()  # trained to the end, then 10 s
    expect(code == 69, f"exit code {code}, expected 69\n{job.said()}")
    expect(re.search(f"all ranks to end: rank {rank} .process \\d+. does not run", job.said()), f"rank {rank} is not named:\n{job.said()}")
    rig.nothing_left(ranks)
    rig.finish(run)


def stuck(rig, trial, trials):
    """A rank that never answers, in a step."""
    run = rig.new_run()
    rank, step = trial % 2, rig.random.randint(1, 200)
    job = Job(rig, run, 2, ["--set", "run.deadline=3"], {"TALWEG_FAULT": f"hang rank={rank} step={step}"})
    ranks = job.all_of(2)
    code = job.wait(6 + ENDING)
    expect(code == 69, f"exit code {code}, expected 69\n{job.said()}")
    expect(f"rank {rank} on " in job.said() and f"computing, step {step}" in job.said(), job.said())
    rig.nothing_left(ranks)
    rig.finish(run)


def stuck_in_reading(rig, trial, trials):
    """An open() of the data that never returns, on one rank."""
    run, rank = rig.new_run(), trial % 2
    environment = {"LD_PRELOAD": rig.disk.library, "FAILING_FOLDER": str(SOURCE / "configs/data"), "FAILING_READS": "1", "FAILING_AT": "1",
                   "FAILING_HOW": "hang", "FAILING_RANK": str(rank)}
    job = Job(rig, run, 2, ["--set", "run.deadline=3"], environment)
    ranks = job.all_of(2)
    code = job.wait(6 + ENDING)
    expect(code == 69, f"exit code {code}, expected 69\n{job.said()}")
    expect(re.search(f"rank {rank} on .*reading data", job.said()), f"rank {rank} is not named:\n{job.said()}")
    rig.nothing_left(ranks)
    rig.finish(run)


def signalled(rig, trial, trials):
    """USR1, USR2, TERM, INT, HUP, in every phase, once, twice or in a storm."""
    number = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[trial % 5]
    ranks = rig.random.choice([0, 2])
    times = rig.random.choice([1, 2, 300])
    if ranks > 0 and number == signal.SIGHUP:
        number = signal.SIGUSR1  # mpirun does not pass HUP on
    run = rig.new_run()
    job = Job(rig, run, ranks)
    time.sleep(rig.random.uniform(0, 1.1 * rig.duration))
    for _ in range(times):
        job.signal(number)
        time.sleep(0.001)
    code = job.wait()
    # Before the handlers are there a signal ends the process; mpirun has codes of its own after INT and TERM.
    died = 128 + number
    allowed = {0, 75, died} if ranks == 0 else {0, 75, 1, died, 143, 130, 137, 138, 140}
    expect(code in allowed, f"exit code {code} after {times} x {number.name}, on {ranks} ranks\n{job.said()}")
    expect(ranks > 0 or code != died or not (run / "config.toml").exists(), f"{number.name} ended a run that had begun\n{job.said()}")
    rig.finish(run)


def not_finite(rig, trial, trials):
    """A NaN on one rank in one step, under each policy."""
    policy, kind = ("stop", "skip", "rollback")[trial % 3], ("nan", "nan-loss")[trial // 3 % 2]
    rank, step = rig.random.randrange(2), rig.random.randint(1, 1500)
    run = rig.new_run()
    job = Job(rig, run, 2, ["--set", f"run.nonfinite={policy}"], {"TALWEG_FAULT": f"{kind} rank={rank} step={step}"})
    code = job.wait()
    expect(code == (79 if policy == "stop" else 0), f"exit code {code} with {policy}\n{job.said()}")
    whole = rig.tool("verify", run)
    expect(whole.returncode == 0, f"not whole with {policy}, step {step}:\n{whole.stdout}{whole.stderr}")
    said = {"stop": f"after step {step - 1}", "skip": f"step {step} is left out", "rollback": f"after step {step - 1}"}[policy]
    expect(said in job.said(), f"expected \"{said}\":\n{job.said()}")
    shutil.rmtree(run)


def host_lost(rig, trial, trials):
    """Two hosts as network namespaces, the second one's cable cut: the job ends long before mpirun's 480 s, and no process is left on either."""
    run = rig.new_run()
    with Hosts(2) as hosts:
        job = Job(rig, run, 2, ["--set", "run.deadline=5", "--set", "run.steps=1000000"], launcher=hosts.launcher())
        rig.started(job, run)
        ranks = [int(p) for p in subprocess.run(["pgrep", "-f", f"^{rig.talweg} .*{run}"], capture_output=True, text=True).stdout.split()]
        expect(len(ranks) == 2, f"ranks {ranks}")
        ip("-n", hosts.switch, "link", "set", "port1", "down")
        begin = time.monotonic()
        job.wait(5 + 2 * ENDING)
        expect(f"host {hosts.names[1]}" in job.said(), f"the lost host is not named:\n{job.said()}")
        while not all(gone(p) for p in ranks) and time.monotonic() - begin < 5 + 3 * ENDING:
            time.sleep(0.1)
        expect(all(gone(p) for p in ranks), f"orphans: {[p for p in ranks if not gone(p)]}")
    expect(rig.tool("verify", run).returncode == 0, "not whole")
    shutil.rmtree(run)


def can_make_hosts():
    probe = f"talweg-probe-{os.getpid()}"
    made = shutil.which("ip") and subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return bool(made)


def every_place(rig):
    return len(rig.disk.places())


def every_place_each_way(rig):
    return len(WAYS) * every_place(rig)


def five_of_each_method(rig):
    return 5 * len(rig.methods.names)


#       name    what                                         short  long: a number, or how to find it
ROWS = [("F1", "all ranks killed at random times", killed_at_any_time, 30, 1000),
        ("F2", "killed in one call of a save", killed_in_a_call, 12, every_place),
        ("F5", "one call fails", disk_fails, 16, every_place_each_way),
        ("F7", "checkpoint cut at every 512 bytes", cut, 200, 10000),
        ("F8", "one bit of a checkpoint flipped", bit_flipped, 200, 10000),
        ("F11", "another shape after each of five kills, every method", another_shape, 3, five_of_each_method),
        ("F12", "every example once an epoch", each_once, 10, 100),
        ("F14", "one rank, or mpirun, killed", one_killed, 3, 100),
        ("F15", "one rank stopped", one_stopped, 2, 60),
        ("F15", "one rank stopped as it starts", stopped_at_start, 1, 20),
        ("F15", "one rank stopped as it ends", stopped_at_end, 1, 20),
        ("F15", "one rank stuck in a step", stuck, 1, 40),
        ("F15", "one rank stuck in reading data", stuck_in_reading, 1, 20),
        ("F17", "the cable of a host cut", host_lost, 2, 30),
        ("F18", "signals in any phase, storms", signalled, 5, 200),
        ("F20", "NaN on one rank, each policy", not_finite, 6, 60),
        ("F22", "configs changed at random", config_changed, 40, 20000),
        ("F23", "data files changed at random", data_changed, 40, 20000)]


def largest_rate(failures, trials):
    """p with P(at most `failures` of `trials`) = 5 %."""
    if failures >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        chance = sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(failures + 1))
        low, high = (p, high) if chance > 0.05 else (low, p)
    return high


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("talweg")
    parser.add_argument("failing_disk", help="the library that tests/fault/failing_disk.cpp becomes")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=math.inf, help="of a row at most: fewer trials then")
    parser.add_argument("--only", default="", help="rows, by name, separated by commas")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    table, broken = [], 0
    with tempfile.TemporaryDirectory(prefix="talweg-fault-") as folder:
        rig = Rig(os.path.abspath(options.talweg), folder, options.seed)
        rig.disk = Disk(rig, os.path.abspath(options.failing_disk))
        rig.methods = Methods(rig)
        for name, what, fault, short, long in ROWS:
            if options.only and name not in options.only.split(","):
                continue
            if fault is host_lost and not can_make_hosts():
                print(f"{name} {what}: left out, network namespaces cannot be made here")
                continue
            planned = (long(rig) if callable(long) else long) if options.long else short
            trials, failures, begin = 0, 0, time.monotonic()
            while trials < planned and time.monotonic() - begin < 60 * options.minutes:
                trial, trials = trials, trials + 1
                try:
                    fault(rig, trial, planned)
                except Broken as e:
                    failures += 1
                    print(f"{name} {what}, trial {trial}: {e}", file=sys.stderr, flush=True)
            broken += failures
            table.append((name, what, trials, failures, largest_rate(failures, trials)))
            print(f"{name} {what}: {failures} of {trials} failed, {time.monotonic() - begin:.0f} s", flush=True)
    print("\n| fault | trials | failures | 95 % bound |\n| --- | --- | --- | --- |")
    for name, what, trials, failures, bound in table:
        print(f"| {name} {what} | {trials} | {failures} | {100 * bound:.1f} % |")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
