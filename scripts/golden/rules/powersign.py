# SPDX-License-Identifier: Apache-2.0
"""TensorFlow 1's ApplyPowerSign written out, sign_decay = 1."""
import numpy
from harness import case, reference


@reference
def kernel(x, p):
    m = numpy.zeros_like(x)
    while True:
        lr, g = yield x
        m = p["beta"] * m + (1 - p["beta"]) * g
        x = x - lr * numpy.exp(numpy.log(p["base"]) * numpy.sign(g) * numpy.sign(m)) * g


case(kernel, 'name = "powersign"; lr = 0.05; beta = 0.7; base = 1.7')
