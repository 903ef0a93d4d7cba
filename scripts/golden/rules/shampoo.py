# SPDX-License-Identifier: Apache-2.0
"""Shampoo (Gupta et al. 2018, algorithm 1) by numpy's eigh; adam for the bias, and for all with largest_side = 3. The open
loop's gradients of 1e-12 and 1e6 side by side make products up to 1e13, whose eigenvalues are known to 1e-3: matrices are met
there with an epsilon beside which that is nothing."""
import numpy
from harness import case, reference, tensors


def inverse_fourth_root(a):
    values, vectors = numpy.linalg.eigh(a)
    return vectors @ numpy.diag(values**-0.25) @ vectors.T


@reference
def shampoo(x, p):
    left, right = p["epsilon"] * numpy.eye(4), p["epsilon"] * numpy.eye(2)
    m, v, t = numpy.zeros(12), numpy.zeros(12), 0
    while True:
        lr, g = yield x
        adam_lr = p["adam_lr"] * lr / p["lr"]
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        v = p["beta2"] * v + (1 - p["beta2"]) * g**2
        dw, _ = tensors(g)
        left, right = left + dw @ dw.T, right + dw.T @ dw
        if t % p.get("root_every", 1) == 0:
            roots = inverse_fourth_root(left), inverse_fourth_root(right)
        t += 1
        adam = adam_lr * m / (1 - p["beta1"]**t) / (numpy.sqrt(v / (1 - p["beta2"]**t)) + p["adam_epsilon"])
        step, rate = adam.copy(), numpy.full_like(x, adam_lr)
        if p.get("largest_side", 4) >= 4:
            tensors(step)[0][:] = lr * roots[0] @ dw @ roots[1]
            tensors(rate)[0][:] = lr
        x = x * (1 - p.get("weight_decay", 0) * rate) - step


REST = "adam_lr = 0.2; beta1 = 0.8; beta2 = 0.7; adam_epsilon = 0.01"
for more in ("", "; root_every = 4"):
    case(shampoo, f'name = "shampoo"; lr = 0.3; epsilon = 0.1; {REST}{more}', loops=("closed",))
    case(shampoo, f'name = "shampoo"; lr = 3.0; epsilon = 1e6; {REST}{more}', loops=("open",))
case(shampoo, f'name = "shampoo"; lr = 0.3; epsilon = 0.1; {REST}; largest_side = 3')
case(shampoo, f'name = "shampoo"; lr = 0.3; epsilon = 0.1; {REST}; weight_decay = 0.4', loops=("closed",))
