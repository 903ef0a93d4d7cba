# SPDX-License-Identifier: Apache-2.0
"""Shared by the faults: a small run, ways to disturb it, and what must hold afterwards."""
import os
import pathlib
import random
import re
import signal
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CONFIG = """[data]
train = {{path = "{data}", label_column = "last"}}
holdout = 0.2
transform = "divide:16"
[model]
kind = "mlp"
hidden = [24]
activation = "tanh"
loss = "cross_entropy"
[method]
name = "adam"
lr = 0.01
[run]
steps = {steps}
batch = 16
seed = 3
deadline = {deadline}
[checkpoint]
every_steps = 100
[trace]
evaluate_every = 5
"""


class Broken(Exception):
    """A promise was broken."""


def expect(holds, what):
    if not holds:
        raise Broken(what)


def gone(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class Job:
    """A training that is going on."""

    def __init__(self, rig, run, ranks, more=(), environment=None, launcher=None, config=None, threads=1):
        self.command = ([*map(str, launcher), rig.talweg] if launcher else rig.launch(ranks)) + ["train", str(config or rig.config), "--run", str(run), "--threads", str(threads), "--progress", "none", *more]
        self.log = rig.folder / "log"
        self.under_mpirun = ranks > 0
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # under nohup, too
                                            env={**os.environ, "OMPI_MCA_btl_vader_backing_directory": str(rig.shared), **(environment or {})})
        self.begin = time.monotonic()

    def ranks(self):
        """Processes of the ranks, in the order they were started."""
        if not self.under_mpirun:
            return [self.process.pid]
        return self.children("talweg")

    def children(self, name=""):
        found = subprocess.run(["pgrep", "-P", str(self.process.pid), name], capture_output=True, text=True).stdout.split()
        return sorted(int(p) for p in found)

    def all_of(self, number):
        """Children of mpirun, whatever they are, once there are so many."""
        while True:
            found = self.children()
            if len(found) >= number:
                return found
            expect(self.process.poll() is None, f"it ended before it had {number} ranks\n{self.said()}")

    def kill_all(self):
        """Ranks first, then mpirun, as the kernel's killer or a power cut would: no process can clean up."""
        for p in [*self.ranks(), self.process.pid]:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, seconds=120):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise Broken(f"no end in {seconds} s:\n{self.said()}") from None
        return 128 - code if code < 0 else code

    def said(self):
        return self.log.read_text(errors="replace")


def newest(run):
    """The newest checkpoint in `run`; None without any."""
    return max(run.glob("checkpoints/step-*.h5"), default=None)


def step_of(checkpoint):
    return int(checkpoint.stem.removeprefix("step-"))


def newest_step(run):
    file = newest(run)
    return step_of(file) if file else None


def expect_gone_on(job, newest):
    """Checks that it resumed from the newest intact checkpoint, not from an earlier one: newest_step() at its start."""
    said = job.said()
    if newest is None:
        expect("resuming" not in said, f"it resumed, from no checkpoint\n{said}")
    else:
        expect(re.search(f"resuming .* at step {newest} of|already ended at step {newest}\\b", said), f"not from step {newest}:\n{said}")


class Rig:
    def __init__(self, talweg, folder, seed, steps=2000, deadline=60):
        self.talweg = str(talweg)
        self.folder = pathlib.Path(folder)
        self.random = random.Random(seed)
        self.config = self.folder / "run.toml"
        self.config.write_text(CONFIG.format(data=SOURCE / "configs/data/digits.csv.gz", steps=steps, deadline=deadline))
        self.shared = self.folder / "shared"  # what the ranks of one host map; in /dev/shm other jobs' files would be taken for ours
        self.shared.mkdir()
        self.quiet = self.folder / "quiet"
        job = Job(self, self.quiet, 2)
        expect(job.wait() == 0, f"the undisturbed run failed:\n{job.said()}")
        self.duration = time.monotonic() - job.begin
        self.count = 0

    def launch(self, ranks):
        if ranks == 0:
            return [self.talweg]
        root = ["--allow-run-as-root"] if os.getuid() == 0 else []
        return ["mpirun", *root, "--oversubscribe", "--bind-to", "none", "-n", str(ranks), self.talweg]

    def new_run(self):
        for left in self.shared.iterdir():  # left by a mpirun that was killed
            left.unlink()
        self.count += 1
        return self.folder / f"run{self.count}"

    def tool(self, *arguments):
        return subprocess.run([self.talweg, *map(str, arguments)], capture_output=True, text=True)

    def started(self, job, run):
        """Waits until the run has a checkpoint; its ranks."""
        while not list(run.glob("checkpoints/step-*.h5")):
            expect(job.process.poll() is None, f"it ended before its first checkpoint:\n{job.said()}")
            time.sleep(0.005)
        return job.ranks()

    def finish(self, run, newest=None):
        """The same command, on ranks of its own number, ends with the bits of the undisturbed run; all files are intact.
        `newest`: the step it goes on from, where that is not the newest checkpoint's. What it said."""
        ranks, newest = self.random.choice([0, 1, 2, 3]), newest_step(run) if newest is None else newest
        job = Job(self, run, ranks)
        expect(job.wait() == 0, f"it did not go on, on {ranks} ranks:\n{job.said()}")
        expect_gone_on(job, newest)
        same = self.tool("diff", run, self.quiet)
        expect(same.returncode == 0, f"other bits:\n{same.stdout}{same.stderr}")
        whole = self.tool("verify", run)
        expect(whole.returncode == 0, f"not whole:\n{whole.stdout}{whole.stderr}")
        return job.said()

    def nothing_left(self, ranks, files=True, seconds=15):
        begin = time.monotonic()
        while not all(gone(p) for p in ranks) and time.monotonic() - begin < seconds:
            time.sleep(0.02)
        expect(all(gone(p) for p in ranks), f"orphans: {[p for p in ranks if not gone(p)]}")
        left = sorted(path.name for path in self.shared.iterdir())
        expect(not files or not left, f"left in shared memory: {left}")
