# SPDX-License-Identifier: Apache-2.0
"""Sophia-H (Liu et al. 2023, algorithms 1 and 3) and optax.contrib.sophia, the products and the draws written out."""
import numpy
from harness import case, closed_product, draws, reference


@reference
def paper(x, p):
    m, h, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        if t % p["hessian_every"] == 0:
            u = draws(t)[1]
            h = p["beta2"] * h + (1 - p["beta2"]) * u * closed_product(x, u)
        t += 1
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        x = x - lr * p.get("weight_decay", 0) * x
        x = x - lr * numpy.clip(m / numpy.maximum(p["gamma"] * h, p["epsilon"]), -1, 1)


@reference
def optax(x, p):
    mu, nu, count = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        mu = (1 - p["beta1"]) * g + p["beta1"] * mu
        mu_hat = mu / (1 - p["beta1"]**(count + 1))
        update = numpy.clip(mu_hat / numpy.maximum(p["gamma"] * nu, p["epsilon"]), -1, 1)
        if count % p["hessian_every"] == 0:
            signs = draws(count)[0]
            nu = (1 - p["beta2"]) * closed_product(x, signs) * signs + p["beta2"] * nu
        x = x - lr * (update + p["weight_decay"] * x)
        count += 1


REST = "lr = 0.4; beta1 = 0.8; beta2 = 0.7; gamma = 0.6; epsilon = 0.9"
case(paper, f'name = "sophia"; {REST}; hessian_every = 3')
case(paper, f'name = "sophia"; {REST}; hessian_every = 1; weight_decay = 0.1')
case(optax, f'name = "sophia"; dialect = "optax"; {REST}; hessian_every = 3; weight_decay = 0.1')
