# SPDX-License-Identifier: Apache-2.0
"""Full-matrix AdaGrad (Duchi et al. 2011, section 4) by numpy's eigh and a linear solve. Closed loop alone: the open one's
gradients of 1e-12 and 1e6 side by side leave no digits of a matrix of their products."""
import numpy
from harness import case, reference


@reference
def full(x, p):
    g2 = numpy.zeros((x.size, x.size))
    while True:
        lr, g = yield x
        g2 = g2 + numpy.outer(g, g)
        values, vectors = numpy.linalg.eigh(g2)
        root = vectors @ numpy.diag(numpy.sqrt(numpy.maximum(values, 0))) @ vectors.T
        x = x - lr * numpy.linalg.solve(p["epsilon"] * numpy.eye(x.size) + root, g)


case(full, 'name = "adagrad_full"; lr = 0.7; epsilon = 0.5', loops=("closed",))
