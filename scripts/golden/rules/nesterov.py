# SPDX-License-Identifier: Apache-2.0
"""torch.optim.SGD with nesterov; the look-ahead form of Sutskever et al. 2013; with prox, of Beck & Teboulle 2009."""
import numpy
import torch
from harness import by_torch, case, reference, soft

stored = by_torch(lambda w, p: torch.optim.SGD(w, lr=1, momentum=p["momentum"], nesterov=True))


@reference
def look_ahead(x, p):
    v = numpy.zeros_like(x)
    while True:
        lr, g = yield x + p["momentum"] * v, x
        v = p["momentum"] * v - lr * g
        x = x + v


@reference
def accelerated_prox(x, p):
    y = x
    while True:
        lr, g = yield y, x
        old, x = x, soft(y - lr * g, lr * p["omega_l1"])
        y = x + p["momentum"] * (x - old)


case(stored, 'name = "nesterov"; lr = 0.05; momentum = 0.8')
case(look_ahead, 'name = "nesterov"; form = "look_ahead"; lr = 0.05; momentum = 0.8')
case(accelerated_prox, 'name = "nesterov"; form = "look_ahead"; lr = 0.05; momentum = 0.8', l1=0.4)
