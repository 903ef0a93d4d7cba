# SPDX-License-Identifier: Apache-2.0
"""You et al. 2020, algorithm 2, phi the identity, tensor by tensor."""
import numpy
from harness import case, reference, tensors


@reference
def lamb(x, p):
    m, v, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        v = p["beta2"] * v + (1 - p["beta2"]) * g**2
        u = m / (1 - p["beta1"]**t) / (numpy.sqrt(v / (1 - p["beta2"]**t)) + p["epsilon"]) + p["weight_decay"] * x
        x = x.copy()
        for w, step in zip(tensors(x), tensors(u)):
            a, b = numpy.linalg.norm(w), numpy.linalg.norm(step)
            w -= lr * (a / b if a > 0 and b > 0 else 1) * step


case(lamb, 'name = "lamb"; lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01; weight_decay = 0.1')
