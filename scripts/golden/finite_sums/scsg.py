# SPDX-License-Identifier: Apache-2.0
"""SCSG of Lei, Ju, Chen & Jordan 2017, algorithm 1. The geometric number of inner steps is found coin by coin; large batches are
the minibatches from ticket 2^40 + t B / b on."""
from philox import LAST, uniform
from sums import SEED, by_sgd, case

import numpy


def scsg(f, p):
    k = p.get("large_batches", 16)
    x = yield
    t = 0
    while True:
        if t == 0 or uniform(SEED, t, LAST - 5) < 1 / (k + 1):
            snapshot = x
            large = numpy.concatenate([f.batch(2**40 + t * k + i) for i in range(k)])
            mu = f.full(x) if k >= f.per_pass else f.gradient(x, large)
        batch = f.batch(t)
        x = yield f.gradient(x, batch) - f.gradient(snapshot, batch) + mu
        t += 1


case(by_sgd(scsg), 'name = "scsg"; lr = 0.8')
case(by_sgd(scsg), 'name = "scsg"; lr = 0.8; large_batches = 3')
case(by_sgd(scsg), 'name = "scsg"; lr = 0.8; large_batches = 7', batch=2, l1=0.03)
