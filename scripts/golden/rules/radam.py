# SPDX-License-Identifier: Apache-2.0
"""torch.optim.RAdam with foreach=False (the other path of 1.13 gives NaN on a gradient of 0); Liu et al. 2020 written out."""
import numpy
import torch
from harness import by_torch, case, reference

by_torch_radam = by_torch(lambda w, p: torch.optim.RAdam(w, lr=1, betas=(p["beta1"], p["beta2"]), eps=p["epsilon"],
                                                         foreach=False))


@reference
def paper(x, p):
    m, v, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    b1, b2 = p["beta1"], p["beta2"]
    end = 2 / (1 - b2) - 1
    while True:
        lr, g = yield x
        t += 1
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        mhat, rho = m / (1 - b1**t), end - 2 * t * b2**t / (1 - b2**t)
        if rho > 4:
            r = numpy.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))
            x = x - lr * r * mhat * numpy.sqrt(1 - b2**t) / (numpy.sqrt(v) + p["epsilon"])
        else:
            x = x - lr * mhat


case(by_torch_radam, 'name = "radam"; lr = 0.1; beta1 = 0.8; beta2 = 0.91; epsilon = 0.01')
case(paper, 'name = "radam"; dialect = "paper"; lr = 0.1; beta1 = 0.8; beta2 = 0.91; epsilon = 0.01')
