# SPDX-License-Identifier: Apache-2.0
"""Every example exactly once an epoch, through kills and resumes on other numbers of ranks: counted, not compared with another run.

Example i alone has feature i, and the label 1. From w = 0 a visit of it by gradient descent on (w_i - 1)^2 / 2 in a batch of b
multiplies 1 - w_i by 1 - lr / b: after E epochs each is (1 - lr / b)^E, and one visit more or less would show."""
import time

import numpy

from rig import Job, expect

EXAMPLES, BATCH, EPOCHS, LR = 99, 9, 400, 0.05  # 99: no number of ranks divides its shards evenly
CONFIG = f"""[data]
train = "examples.svm"
[model]
kind = "linear"
loss = "squared"
bias = false
[init]
kind = "zeros"
[method]
name = "sgd"
lr = {LR}
[run]
epochs = {EPOCHS}
batch = {BATCH}
precision = "float64"
[checkpoint]
every_steps = 7
"""


def each_once(rig, trial, trials):
    (rig.folder / "examples.svm").write_text("".join(f"1 {i + 1}:1\n" for i in range(EXAMPLES)))
    config = rig.folder / "examples.toml"
    config.write_text(CONFIG)
    run = rig.new_run()
    for _ in range(rig.random.randint(1, 3)):
        job = Job(rig, run, rig.random.choice([0, 1, 2, 3]), config=config)
        time.sleep(rig.random.uniform(0.2, 1.5))
        job.kill_all()
        job.wait()
    job = Job(rig, run, rig.random.choice([0, 2, 3]), config=config)
    expect(job.wait() == 0, f"it did not go on:\n{job.said()}")
    model = run / "model.npz"
    expect(rig.tool("export", run, "-o", model).returncode == 0, "no model")
    with numpy.load(model) as tensors:
        left = 1 - tensors["weight"].ravel()
    visits = numpy.log(left) / numpy.log(1 - LR / BATCH)
    expect(len(left) == EXAMPLES and numpy.abs(visits - EPOCHS).max() < 1e-6, f"visits, {EPOCHS} expected: {visits}")
