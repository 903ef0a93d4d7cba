# SPDX-License-Identifier: Apache-2.0
"""Every method of the catalogue: killed on one shape of ranks, threads and placement, gone on with on another, to the bits that one
rank with one thread comes to."""
import json
import shutil

from rig import Job, expect, expect_gone_on, newest_step

COMMON = ["run.steps=60", "checkpoint.every_steps=7", "trace.evaluate_every=2"]
LINEAR = ["model.kind=linear", "model.hidden=", "model.activation=", "run.precision=float64"]
CONVEX = [*LINEAR, "regularizer.l2=0.01", "regularizer.include_bias=true"]
# What a method may ask for: the first that `talweg check` takes.
KINDS = [kind + batch + more for kind in ([], CONVEX) for batch in ([], ["run.batch=full"]) for more in ([], ["method.iterations=40"])]
PLACEMENTS = ["replicated", "sharded", "coordinator"]


def settings(keys):
    return [word for key in keys for word in ("--set", key)]


class Methods:
    def __init__(self, rig):
        told = json.loads(rig.tool("methods", "--json").stdout)["methods"]
        self.names = [method["name"] for method in told]
        self.quiet = {}
        self.settings = {}

    def prepare(self, rig, name):
        """The settings a method takes here, and a run that nobody disturbed."""
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
    name = rig.methods.names[trial % len(rig.methods.names)]
    rig.methods.prepare(rig, name)
    run = rig.new_run()

    def job(environment=None):
        placement = settings([f"run.placement={rig.random.choice(PLACEMENTS)}"])
        return Job(rig, run, rig.random.randint(1, 4), [*rig.methods.settings[name], *placement], environment,
                   threads=rig.random.randint(1, 2))

    cut = job({"TALWEG_FAULT": f"kill rank=0 step={rig.random.randint(1, 50)}"})
    code = cut.wait()
    expect(code in (137, 0), f"{name}: exit code {code}, expected 137\n{cut.said()}")  # 0: it converged before
    newest = newest_step(run)
    again = job()
    code = again.wait()
    expect(code == 0, f"{name}: exit code {code}\n{again.said()}")
    expect_gone_on(again, newest)
    same = rig.tool("diff", run, rig.methods.quiet[name])
    expect(same.returncode == 0, f"{name}: other bits:\n{' '.join(again.command)}\n{same.stdout}{same.stderr}")
    shutil.rmtree(run)
