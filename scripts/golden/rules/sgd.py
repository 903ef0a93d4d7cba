# SPDX-License-Identifier: Apache-2.0
"""torch.optim.SGD; TensorFlow 1's ApplyProximalGradientDescent for the prox."""
import torch
from harness import by_torch, case, reference, soft

plain = by_torch(lambda w, p: torch.optim.SGD(w, lr=1, weight_decay=p.get("weight_decay", 0)))


@reference
def proximal(x, p):
    while True:
        lr, g = yield x
        x = soft(x - lr * g, lr * p["omega_l1"])


case(plain, 'name = "sgd"; lr = 0.1')
case(plain, 'name = "sgd"; lr = 0.1; weight_decay = 0.3')
case(proximal, 'name = "sgd"; lr = 0.1', l1=0.4)
