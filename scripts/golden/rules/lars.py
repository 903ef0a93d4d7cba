# SPDX-License-Identifier: Apache-2.0
"""You, Gitman & Ginsburg 2017, algorithm 1, tensor by tensor."""
import numpy
from harness import case, reference, tensors


@reference
def lars(x, p):
    v = numpy.zeros_like(x)
    while True:
        lr, g = yield x
        x = x.copy()
        for w, d, u in zip(tensors(x), tensors(g), tensors(v)):
            a, b = numpy.linalg.norm(w), numpy.linalg.norm(d)
            ratio = p["trust_coefficient"] * a / (b + p["weight_decay"] * a) if a > 0 and b > 0 else 1
            u[:] = p["momentum"] * u + lr * ratio * (d + p["weight_decay"] * w)
            w -= u


case(lars, 'name = "lars"; lr = 2.0; momentum = 0.8; weight_decay = 0.1; trust_coefficient = 0.05')
