# SPDX-License-Identifier: Apache-2.0
"""Chen et al. 2023, algorithm 2, written out."""
import numpy
from harness import case, reference


@reference
def paper(x, p):
    m = numpy.zeros_like(x)
    while True:
        lr, g = yield x
        x = x - lr * (numpy.sign(p["beta1"] * m + (1 - p["beta1"]) * g) + p.get("weight_decay", 0) * x)
        m = p["beta2"] * m + (1 - p["beta2"]) * g


for more in ("", "; weight_decay = 0.3"):
    case(paper, f'name = "lion"; lr = 0.1; beta1 = 0.6; beta2 = 0.8{more}')
