# SPDX-License-Identifier: Apache-2.0
"""STORM+ of Levy, Kavis & Cevher 2021, algorithm 1, with a factor lr of its step lengths; gradients in a unit of their own in a."""
from sums import case


def storm(f, x, p):
    gradients = weighted = 0.0
    d = before = None
    unit = p.get("gradient_scale", 0.0)
    t = 0
    while True:
        g = f.gradient(x, f.batch(t))
        if unit == 0:
            unit = (g @ g) ** 0.5
        a = (1 + gradients / unit**2) ** (-2 / 3)
        d = g if d is None else g + (1 - a) * (d - f.gradient(before, f.batch(t)))
        gradients += g @ g
        weighted += (d @ d) * (1 + gradients / unit**2) ** (2 / 3)
        before, x = x, x - p["lr"] * f.factor(t) * weighted ** (-1 / 3) * d
        yield x
        t += 1


case(storm, 'name = "storm"; lr = 1.0; gradient_scale = 1.0')
case(storm, 'name = "storm"; lr = 2.5', batch=3)
