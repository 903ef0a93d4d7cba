# SPDX-License-Identifier: Apache-2.0
"""iRprop- as in torch.optim.Rprop, with the step times the schedule's factor, written out."""
import numpy
from harness import case, reference


@reference
def kernel(x, p):
    d, previous = numpy.full_like(x, p["lr"]), numpy.zeros_like(x)
    while True:
        lr, g = yield x
        s = numpy.sign(g) * numpy.sign(previous)
        d = numpy.clip(d * numpy.where(s > 0, p["eta_plus"], numpy.where(s < 0, p["eta_minus"], 1)), p["step_min"], p["step_max"])
        previous = numpy.where(s < 0, 0, g)
        x = x - lr / p["lr"] * d * numpy.sign(previous)


case(kernel, 'name = "rprop"; lr = 0.1; eta_minus = 0.4; eta_plus = 1.3; step_min = 0.02; step_max = 0.9')
