# SPDX-License-Identifier: Apache-2.0
"""Perturbed SGD of Jin, Netrapalli, Ge, Kakade & Jordan 2021, algorithm 2."""
import math

from philox import normal
from sums import PLACES, SEED, case

import numpy


def psgd(f, x, p):
    d, t = len(x), 0
    eta, r = p.get("lr"), p.get("radius")
    if p.get("mode") == "theory":
        s2, l, L, rho, eps = (p[k] for k in ("gradient_variance", "batch_smoothness", "smoothness", "hessian_lipschitz", "epsilon"))
        n = 1 + min(s2 / eps**2 + l**2 / (L * math.sqrt(rho * eps)), s2 * d / eps**2)
        gap, delta = p.get("objective_gap", 0), p.get("failure_probability", 0.1)
        chi = max(1, math.log(d * L * gap * n / (rho * eps * delta))) if gap > 0 else 1
        eta, r = p["c"] / (L * n * chi), eps * math.sqrt(n)
    while True:
        xi = numpy.array([normal(SEED, t, place) for place in PLACES]) * r / math.sqrt(d)
        x = x - f.factor(t) * eta * (f.gradient(x, f.batch(t)) + xi)
        yield x
        t += 1


case(psgd, 'name = "psgd"; lr = 0.7; radius = 0.4')
case(psgd, 'name = "psgd"; mode = "theory"; smoothness = 1.3; hessian_lipschitz = 0.7; gradient_variance = 0.4; batch_smoothness = '
           '2.0; epsilon = 0.5; c = 0.9')
case(psgd, 'name = "psgd"; mode = "theory"; smoothness = 1.3; hessian_lipschitz = 0.7; gradient_variance = 0.4; batch_smoothness = '
           '2.0; epsilon = 0.5; c = 0.9; objective_gap = 3.0; failure_probability = 0.05')
