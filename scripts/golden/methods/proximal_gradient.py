# SPDX-License-Identifier: Apache-2.0
from problems import case


def proximal_gradient(F, x, p):
    t = p["lr"]
    while True:
        g = F.gradient(x)
        while True:
            z = F.prox(x - t * g, t)
            d = z - x
            model = F.value(x) + g @ d + d @ d / (2 * t)
            if p.get("search") != "backtracking" or F.value(z) <= model + 1e-13:  # equal but for rounding
                break
            t = t * p["shrink"]
        x = z
        yield x


case(proximal_gradient, 'name = "proximal_gradient"; lr = 0.2')
case(proximal_gradient, 'name = "proximal_gradient"; lr = 0.2', l1=0.1)
case(proximal_gradient, 'name = "proximal_gradient"; lr = 20.0; search = "backtracking"; shrink = 0.7', l1=0.1)
