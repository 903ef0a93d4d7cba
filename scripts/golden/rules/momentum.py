# SPDX-License-Identifier: Apache-2.0
"""torch.optim.SGD with momentum; Keras' SGD (lr inside the buffer); iPiano (Ochs et al. 2014) for the prox."""
import numpy
import torch
from harness import by_torch, case, reference, soft, sutskever_momentum

outside = by_torch(lambda w, p: torch.optim.SGD(w, lr=1, momentum=p["momentum"], dampening=p.get("dampening", 0),
                                                nesterov=p.get("nesterov", False)))


@reference
def inside(x, p):
    v = numpy.zeros_like(x)
    while True:
        lr, g = yield x
        v = p["momentum"] * v - lr * g
        x = x + (p["momentum"] * v - lr * g if p.get("nesterov") else v)


@reference
def ipiano_inside(x, p):
    old = x
    while True:
        lr, g = yield x
        x, old = soft(x - lr * g + p["momentum"] * (x - old), lr * p["omega_l1"]), x


@reference
def ipiano_outside(x, p):
    """The inertia x_{t-1} - x_{t-2} counts in units of the learning rate."""
    old, before = x, 1
    while True:
        lr, g = yield x
        x, old, before = soft(x - lr * g + p["momentum"] * (x - old) * lr / before, lr * p["omega_l1"]), x, lr


@reference
def sutskever(x, p):
    a, t = numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        a = sutskever_momentum(p, t) * a + g
        x = x - lr * a


for dialect in ("torch", "tf1"):
    case(outside, f'name = "momentum"; dialect = "{dialect}"; lr = 0.05; momentum = 0.8')
case(outside, 'name = "momentum"; lr = 0.05; momentum = 0.85; dampening = 0.3')
case(outside, 'name = "momentum"; lr = 0.05; momentum = 0.7; nesterov = true')
for dialect in ("paper", "keras"):
    case(inside, f'name = "momentum"; dialect = "{dialect}"; lr = 0.05; momentum = 0.8')
    case(inside, f'name = "momentum"; dialect = "{dialect}"; lr = 0.05; momentum = 0.7; nesterov = true')
case(ipiano_outside, 'name = "momentum"; lr = 0.05; momentum = 0.8', l1=0.4)
case(ipiano_inside, 'name = "momentum"; dialect = "paper"; lr = 0.05; momentum = 0.8', l1=0.4)
case(sutskever, 'name = "momentum"; lr = 0.05; momentum = 0.9; momentum_schedule = "sutskever"')
case(sutskever, 'name = "momentum"; lr = 0.05; momentum = 0.95; momentum_schedule = "sutskever"; momentum_stage = 3; momentum_drop = 33')
