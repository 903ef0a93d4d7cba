# SPDX-License-Identifier: Apache-2.0
"""Every method of the catalogue: killed on one shape of ranks, threads and placement and resumed on another, to the bits of one rank
with one thread."""
import json
import shutil

from rig import Job, expect, expect_gone_on, newest_step

COMMON = ["run.steps=60", "checkpoint.every_steps=7", "trace.evaluate_every=2"]
LINEAR = ["model.kind=linear", "model.hidden=", "model.activation=", "run.precision=float64"]
CONVEX = [*LINEAR, "regularizer.l2=0.01", "regularizer.include_bias=true"]
# What a method may ask for: the first that `talweg check` takes.
KINDS = [kind + batch + more for kind in ([], CONVEX) for batch in ([], ["run.batch=full"]) for more in ([], ["method.iterations=40"])]
PLACEMENTS = ["replicated", "sharded", "coordinator"]
CHANGES = 5  # of shape, in a trial
AT_ONCE = {"OMPI_MCA_odls_base_sigkill_timeout": "0"}  # mpirun then does not wait two seconds before it ends the other ranks


def settings(keys):
    return [word for key in keys for word in ("--set", key)]


class Methods:
    def __init__(self, rig):
        told = json.loads(rig.tool("methods", "--json").stdout)["methods"]
        self.names = [method["name"] for method in told]
        self.quiet = {}
        self.settings = {}

    def prepare(self, rig, name):
        """The settings a method takes here, and an undisturbed run."""
        if name in self.quiet:
            return
        for kind in KINDS:
            chosen = settings([f"method.name={name}", "method.lr=", *COMMON, *kind])
            if rig.tool("check", rig.config, *chosen).returncode == 0:
                break
        else:
            expect(False, f"{name}: no config here that it takes")
        run = rig.folder / f"quiet-{name}"
        job = Job(rig, run, 0, chosen)
        code = job.wait()
        expect(code == 0, f"{name}: exit code {code}\n{job.said()}")
        self.settings[name], self.quiet[name] = chosen, run


def another_shape(rig, trial, trials):
    """Killed CHANGES times on the way, each time resumed on other ranks, threads and placement."""
    name = rig.methods.names[trial % len(rig.methods.names)]
    rig.methods.prepare(rig, name)
    run = rig.new_run()
    for step in [*sorted(rig.random.sample(range(2, 60), CHANGES)), None]:
        newest = newest_step(run)
        placement = settings([f"run.placement={rig.random.choice(PLACEMENTS)}"])
        job = Job(rig, run, rig.random.randint(1, 4), [*rig.methods.settings[name], *placement],
                  {**AT_ONCE, "TALWEG_FAULT": f"kill rank=0 step={step}"} if step else None, threads=rig.random.randint(1, 2))
        code = job.wait()
        expect(code == 0 or (step and code == 137), f"{name}: exit code {code}\n{job.said()}")
        expect_gone_on(job, newest)
        if code == 0:  # for one that converges early, too
            break
    same = rig.tool("diff", run, rig.methods.quiet[name])
    expect(same.returncode == 0, f"{name}: other bits:\n{' '.join(job.command)}\n{same.stdout}{same.stderr}")
    shutil.rmtree(run)
