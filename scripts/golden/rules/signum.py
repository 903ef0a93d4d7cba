# SPDX-License-Identifier: Apache-2.0
"""Bernstein et al. 2018, algorithms 1 and 2, written out."""
import numpy
from harness import case, reference


@reference
def paper(x, p):
    m = numpy.zeros_like(x)
    while True:
        lr, g = yield x
        m = p["momentum"] * m + (1 - p["momentum"]) * g
        x = x - lr * (numpy.sign(m) + p.get("weight_decay", 0) * x)


case(paper, 'name = "signum"; lr = 0.1; momentum = 0.7')
case(paper, 'name = "signum"; lr = 0.1; momentum = 0.7; weight_decay = 0.3')
case(paper, 'name = "signum"; lr = 0.1; momentum = 0.0')
