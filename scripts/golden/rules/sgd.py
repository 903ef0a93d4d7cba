# SPDX-License-Identifier: Apache-2.0
"""torch.optim.SGD; TensorFlow 1's ApplyProximalGradientDescent for the prox (its l1; its l2 is in the prox, and Omega's in the
gradient); FOBOS with l1 and a box, each coordinate's problem solved by trying its kink, its ends and its stationary points."""
import numpy
import torch
from harness import by_torch, case, reference, soft

plain = by_torch(lambda w, p: torch.optim.SGD(w, lr=1, weight_decay=p.get("weight_decay", 0)))


@reference
def proximal(x, p):
    while True:
        lr, g = yield x
        x = soft(x - lr * g, lr * p["omega_l1"])


@reference
def fobos(x, p):
    l1, box = p["omega_l1"], p["omega_box"]

    def solved(v, lr):  # argmin over |u| <= box of (u - v)^2 / 2 + lr l1 |u|
        tries = [0.0, *(u for u in (v - lr * l1, v + lr * l1, -box, box) if abs(u) <= box)]
        return min(tries, key=lambda u: (u - v) * (u - v) / 2 + lr * l1 * abs(u))

    while True:
        lr, g = yield x
        x = numpy.array([solved(v, lr) for v in x - lr * g])


case(plain, 'name = "sgd"; lr = 0.1')
case(plain, 'name = "sgd"; lr = 0.1; weight_decay = 0.3')
case(proximal, 'name = "sgd"; lr = 0.1', l1=0.4)
case(fobos, 'name = "sgd"; lr = 0.1', l1=0.4, box=1.5)
case(fobos, 'name = "sgd"; lr = 0.1', box=1.5)
