# SPDX-License-Identifier: Apache-2.0
"""torch.optim.NAdam with foreach=True (the other path of 1.13 multiplies by mu twice); Keras' Nadam written out."""
import numpy
import torch
from harness import by_torch, case, reference

torch.set_default_dtype(torch.float64)  # torch keeps the product of mu in its default type: float32 is 2e-9 off
by_torch_nadam = by_torch(lambda w, p: torch.optim.NAdam(w, lr=1, betas=(p["beta1"], p["beta2"]), eps=p["epsilon"],
                                                         momentum_decay=p["momentum_decay"], foreach=True))


@reference
def keras(x, p):
    m, v, product, t = numpy.zeros_like(x), numpy.zeros_like(x), 1.0, 0
    b1, b2 = p["beta1"], p["beta2"]
    while True:
        lr, g = yield x
        t += 1
        u, u_next = b1 * (1 - 0.5 * 0.96**t), b1 * (1 - 0.5 * 0.96**(t + 1))
        product = product * u
        m = m + (g - m) * (1 - b1)
        v = v + (g * g - v) * (1 - b2)
        top = u_next * m / (1 - product * u_next) + (1 - u) * g / (1 - product)
        x = x - lr * top / (numpy.sqrt(v / (1 - b2**t)) + p["epsilon"])


case(by_torch_nadam, 'name = "nadam"; lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01; momentum_decay = 0.02')
case(keras, 'name = "nadam"; dialect = "keras"; lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01')
