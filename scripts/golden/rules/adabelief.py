# SPDX-License-Identifier: Apache-2.0
"""Zhuang et al. 2020, algorithm 2, written out."""
import numpy
from harness import case, reference


@reference
def paper(x, p):
    m, s, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    b1, b2, eps = p["beta1"], p["beta2"], p["epsilon"]
    while True:
        lr, g = yield x
        t += 1
        m = b1 * m + (1 - b1) * g
        s = b2 * s + (1 - b2) * (g - m)**2 + eps
        x = x - lr * (m / (1 - b1**t)) / (numpy.sqrt(s / (1 - b2**t)) + eps)


case(paper, 'name = "adabelief"; lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01')
