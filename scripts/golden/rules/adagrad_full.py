# SPDX-License-Identifier: Apache-2.0
"""Full-matrix AdaGrad (Duchi et al. 2011, section 4) by numpy's eigh and a linear solve. The open loop's gradients of
1e-12 and 1e6 side by side make products up to 1e13, whose eigenvalues are known to 1e-3: it has an epsilon beside which the
root of that is nothing."""
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
case(full, 'name = "adagrad_full"; lr = 100.0; epsilon = 1e6', loops=("open",))
