# SPDX-License-Identifier: Apache-2.0
"""Xie et al. 2022, algorithm 1 (with the paper's betas) and the authors' PyTorch step, written out."""
import numpy
from harness import case, reference


@reference
def paper(x, p):
    b1, b2, b3 = 1 - p["beta1"], 1 - p["beta2"], 1 - p["beta3"]
    k = 0
    while True:
        lr, g = yield x
        if k == 0:
            m, v, n = g, 0 * g, g**2
        else:
            m = (1 - b1) * m + b1 * g
            v = (1 - b2) * v + b2 * (g - before) if k > 1 else g - before
            n = (1 - b3) * n + b3 * (g + (1 - b2) * (g - before))**2
        eta = lr / (numpy.sqrt(n) + p["epsilon"])
        x = (x - eta * (m + (1 - b2) * v)) / (1 + p.get("weight_decay", 0) * lr)
        before, k = g, k + 1


@reference
def authors(x, p):
    b1, b2, b3 = p["beta1"], p["beta2"], p["beta3"]
    m, v, n, before, t = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x), None, 0
    while True:
        lr, g = yield x
        t += 1
        diff = g - (g if before is None else before)
        m = m * b1 + g * (1 - b1)
        v = v * b2 + diff * (1 - b2)
        n = n * b3 + (g + b2 * diff)**2 * (1 - b3)
        root = numpy.sqrt(n) / numpy.sqrt(1 - b3**t) + p["epsilon"]
        x = x - lr / (1 - b1**t) * m / root - lr * b2 / (1 - b2**t) * v / root
        x = x / (1 + lr * p.get("weight_decay", 0))
        before = g


for more in ("", "; weight_decay = 0.3"):
    case(authors, f'name = "adan"; lr = 0.1; beta1 = 0.8; beta2 = 0.6; beta3 = 0.7; epsilon = 0.01{more}')
    case(paper, f'name = "adan"; dialect = "paper"; lr = 0.1; beta1 = 0.8; beta2 = 0.6; beta3 = 0.7; epsilon = 0.01{more}')
