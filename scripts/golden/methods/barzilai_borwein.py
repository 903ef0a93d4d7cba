# SPDX-License-Identifier: Apache-2.0
"""SpaRSA of Wright, Nowak & Figueiredo 2009 (alpha = 1 / t); Raydan's length where there is no positive curvature."""
import numpy

from problems import case


def sparsa(F, x, p):
    alpha, values, g, count = 1 / p["lr"], [F.value(x) + F.omega(x)], F.gradient(x), 0
    while True:
        while True:
            z = F.prox(x - g / alpha, 1 / alpha)
            limit = max(values[-p["window"]:]) - p["sufficient"] / 2 * alpha * (z - x) @ (z - x)
            if F.value(z) + F.omega(z) <= limit:
                break
            alpha = alpha / p["shrink"]
        after = F.gradient(z)
        s, y = z - x, after - g
        x, g, count = z, after, count + 1
        values.append(F.value(x) + F.omega(x))
        norm = numpy.sqrt(g @ g)
        if s @ y <= 0:
            alpha = 1.0 if norm > 1 else max(norm, 1e-5)
        elif p["form"] == "short" or (p["form"] == "alternate" and count % 2 == 0):
            alpha = (y @ y) / (s @ y)
        else:
            alpha = (s @ y) / (s @ s)
        yield x


for form in "long", "short", "alternate":
    for l1 in 0.0, 0.05:
        case(sparsa, f'name = "barzilai_borwein"; lr = 3.0; form = "{form}"; window = 3; sufficient = 0.01; shrink = 0.4', l1=l1, steps=20)  # lengths jump about: later, differences of rounding have grown
