# SPDX-License-Identifier: Apache-2.0
"""Faults of the disk, by failing_disk.cpp: the N-th call that changes something in the run directory kills, fails, or does half."""
import errno
import json
import os
import shutil

import h5py

from rig import Job, expect, expect_gone_on, newest_step

STEPS = ["--set", "run.steps=300"]
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EDQUOT": errno.EDQUOT}
WAYS = [*ERRORS, "short"]


def published_in_order(lines):
    """A checkpoint gets its name once it is on the disk, and an older one goes once the name is; one for one."""
    synced, named, newer = False, True, False
    saved = 0
    for call, of in lines:
        if call == "fsync" and of.endswith("/checkpoints"):
            named = True
        elif call == "fsync" and "/checkpoints/." in of:
            synced = True
        elif call == "rename" and "/checkpoints/" in of:
            expect(synced, f"{of} got its name before it was on the disk")
            synced = named = False
            newer = True
            saved += 1
        elif call == "unlink" and "/checkpoints/step-" in of:
            expect(named and newer, f"{of} went before the newer one's name was on the disk")
            newer = False
    expect(saved > 2 and named, f"{saved} checkpoints were saved, the last one's name is on the disk: {named}")


class Disk:
    """A short undisturbed run, and its calls, in order."""

    def __init__(self, rig, library):
        self.rig = rig
        self.library = str(library)
        self.quiet = rig.folder / "quiet_disk"
        self.fresh = self.calls(self.quiet)
        resumed = rig.folder / "quiet_half"
        self.half(resumed)
        self.resumed = self.calls(resumed)
        self.unmet = 0

    def calls(self, run):
        """The number of calls of an undisturbed run."""
        log = self.rig.folder / "calls"
        log.unlink(missing_ok=True)
        job = Job(self.rig, run, 0, STEPS, self.environment(run, FAILING_LOG=log))
        expect(job.wait() == 0, f"the undisturbed run failed:\n{job.said()}")
        lines = [line.split(" ", 1) for line in log.read_text().splitlines()]
        published_in_order(lines)
        kinds = {call for call, _ in lines}
        expect({"open", "pwrite", "fsync", "rename"} <= kinds, f"calls {kinds}")
        return len(lines)

    def environment(self, run, **more):
        return {"LD_PRELOAD": self.library, "FAILING_FOLDER": str(run), **{k: str(v) for k, v in more.items()}}

    def places(self):
        """All there are, as (resumed, N): the N-th call of a fresh run, and of one that is resumed in the middle."""
        return [(False, n) for n in range(1, self.fresh + 1)] + [(True, n) for n in range(1, self.resumed + 1)]

    def place(self, trial, trials):
        """Each as often as any other, or so many evenly between the first and the last."""
        places = self.places()
        return places[trial * len(places) // trials]

    def half(self, run):
        """The first half of the run, undisturbed."""
        job = Job(self.rig, run, 0, ["--set", "run.steps=150"])
        expect(job.wait() == 0, f"the first half failed:\n{job.said()}")

    def finish(self, run):
        """The same command without the fault ends with the bits of the undisturbed run."""
        newest = newest_step(run)
        job = Job(self.rig, run, 0, STEPS)
        expect(job.wait() == 0, f"it did not go on:\n{job.said()}")
        expect_gone_on(job, newest)
        same = self.rig.tool("diff", run, self.quiet)
        expect(same.returncode == 0, f"other bits:\n{same.stdout}{same.stderr}")
        whole = self.rig.tool("verify", run)
        expect(whole.returncode == 0, f"not whole:\n{whole.stdout}{whole.stderr}")
        left = [p.name for p in run.rglob(".*.tmp")]
        expect(not left, f"left behind: {left}")
        with h5py.File(run / "trace.h5") as trace:
            steps = trace["step"][:].tolist()
        expect(steps == list(range(1, 301)), f"rows of the trace: {steps[:3]} ... {steps[-3:]}, {len(steps)} in all")
        summary = json.loads((run / "summary.json").read_text())
        expect(summary["step"] == 300 and summary["ending"]["code"] == 0, f"summary: {summary['step']}, {summary['ending']}")
        shutil.rmtree(run)


def killed_in_a_call(rig, trial, trials):
    """SIGKILL in place of one call; what is on the disk is old or new, and the run resumes from it."""
    run = rig.new_run()
    resumed, at = rig.disk.place(trial, trials)
    if resumed:
        rig.disk.half(run)
    job = Job(rig, run, 0, STEPS, rig.disk.environment(run, FAILING_AT=at, FAILING_HOW="kill"))
    code = job.wait()
    rig.disk.unmet += code == 0  # fewer calls than the quiet run made: rows are written as time goes by
    few = max(3, trials // 50)
    expect(code == 137 or (code == 0 and rig.disk.unmet <= few), f"call {at}: exit code {code}, expected 137\n{job.said()}")
    saved = sorted(run.glob("checkpoints/*.h5"))
    for file in saved:
        whole = rig.tool("verify", file)
        expect(whole.returncode == 0, f"call {at}: {file.name} is neither old nor new:\n{whole.stdout}{whole.stderr}")
    rig.disk.finish(run)


def disk_fails(rig, trial, trials):
    """One call fails once: the run ends well, or says which file and why; the same command then finishes it."""
    run = rig.new_run()
    resumed, at = rig.disk.place(trial, trials)
    if resumed:
        rig.disk.half(run)
    how = WAYS[trial % len(WAYS)]
    job = Job(rig, run, 0, STEPS, rig.disk.environment(run, FAILING_AT=at, FAILING_HOW=ERRORS.get(how, how)))
    code = job.wait()
    said = job.said()
    allowed = {"short": {0}}.get(how, {0, 73, 74})
    expect(code in allowed, f"call {at} {how}: exit code {code}, expected one of {allowed}\n{said}")
    if code != 0:
        expect(str(run) in said and os.strerror(ERRORS[how]) in said, f"call {at} {how}: neither file nor reason\n{said}")
    for file in run.glob("checkpoints/*.h5"):
        whole = rig.tool("verify", file)
        expect(whole.returncode == 0, f"call {at} {how}: {file.name} is damaged:\n{whole.stdout}{whole.stderr}")
    rig.disk.finish(run)
