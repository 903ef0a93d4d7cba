# SPDX-License-Identifier: Apache-2.0
"""torch.optim.SGD with nesterov; the look-ahead form of Sutskever et al. 2013; with prox, of Beck & Teboulle 2009. A momentum
that grows is that of the step in both places of the stored form, as a momentum that is set before every step of torch or
TensorFlow is."""
import numpy
import torch
from harness import by_torch, case, reference, soft, sutskever_momentum

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


@reference
def stored_sutskever(x, p):
    w = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1, momentum=0.5, nesterov=True)
    t = 0
    while True:
        lr, g = yield w.detach().numpy().copy()
        t += 1
        optimizer.param_groups[0].update(lr=lr, momentum=sutskever_momentum(p, t))
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()


@reference
def look_ahead_sutskever(x, p):
    v, t = numpy.zeros_like(x), 0
    while True:
        t += 1
        mu = sutskever_momentum(p, t)
        lr, g = yield x + mu * v, x
        v = mu * v - lr * g
        x = x + v


case(stored, 'name = "nesterov"; lr = 0.05; momentum = 0.8')
case(look_ahead, 'name = "nesterov"; form = "look_ahead"; lr = 0.05; momentum = 0.8')
case(accelerated_prox, 'name = "nesterov"; form = "look_ahead"; lr = 0.05; momentum = 0.8', l1=0.4)
GROWING = 'lr = 0.05; momentum = 0.95; momentum_schedule = "sutskever"; momentum_stage = 3; momentum_drop = 33'
case(stored_sutskever, f'name = "nesterov"; {GROWING}')
case(look_ahead_sutskever, f'name = "nesterov"; form = "look_ahead"; {GROWING}')
