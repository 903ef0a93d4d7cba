# SPDX-License-Identifier: Apache-2.0
"""TensorFlow 1's ApplyProximalAdagrad written out."""
import numpy
from harness import case, reference, soft


@reference
def kernel(x, p):
    v = numpy.full_like(x, p["initial_accumulator"])
    while True:
        lr, g = yield x
        v = v + g * g
        a = lr / numpy.sqrt(v)
        x = soft(x - a * g, a * p.get("l1", 0)) / (1 + a * p.get("l2", 0))


for more in ("", "; l1 = 0.4", "; l1 = 0.4; l2 = 0.3"):
    case(kernel, f'name = "proximal_adagrad"; lr = 0.3; initial_accumulator = 0.2{more}')
