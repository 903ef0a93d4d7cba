# SPDX-License-Identifier: Apache-2.0
"""Zaheer et al. 2018, algorithm 2, written out."""
import numpy
from harness import case, reference


@reference
def paper(x, p):
    m, v = numpy.zeros_like(x), numpy.full_like(x, p["initial_accumulator"])
    while True:
        lr, g = yield x
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        v = v - (1 - p["beta2"]) * numpy.sign(v - g**2) * g**2
        x = x - lr * m / (numpy.sqrt(v) + p["epsilon"])


case(paper, 'name = "yogi"; lr = 0.1; beta1 = 0.8; beta2 = 0.71; epsilon = 0.01; initial_accumulator = 0.003')
