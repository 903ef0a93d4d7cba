# SPDX-License-Identifier: Apache-2.0
"""SAGA as in Defazio, Bach & Lacoste-Julien 2014, with a gradient kept for every example."""
from sums import N, by_sgd, case

import numpy


def saga(f, p):
    x = yield
    table = f.each(x, numpy.arange(N))
    x = yield table.mean(axis=0)
    t = 1
    while True:
        batch = f.batch(t)
        new = f.each(x, batch)
        g = (new - table[batch]).mean(axis=0) + table.mean(axis=0)
        table[batch] = new
        x = yield g
        t += 1


case(by_sgd(saga), 'name = "saga"; lr = 0.8')
case(by_sgd(saga), 'name = "saga"; lr = 0.8', batch=1)
case(by_sgd(saga), 'name = "saga"; lr = 0.8', l1=0.03)
case(by_sgd(saga), 'name = "saga"; lr = 0.8', batch=20)
