# SPDX-License-Identifier: Apache-2.0
"""Tseng 2008, algorithm 1 with D = |x - y|^2 / 2 and L = 1 / lr."""
import numpy

from problems import case


def apg(F, x, p):
    L, theta, z = 1 / p["lr"], 1.0, x
    while True:
        y = (1 - theta) * x + theta * z
        ahead = F.prox(z - F.gradient(y) / (theta * L), 1 / (theta * L))
        after = (1 - theta) * x + theta * ahead
        theta = (numpy.sqrt(theta ** 4 + 4 * theta ** 2) - theta ** 2) / 2
        z = ahead
        if p.get("restart") == "gradient" and (y - after) @ (after - x) > 0:
            theta, z = 1.0, after
        x = after
        yield x


for l1 in 0.0, 0.05:
    case(apg, 'name = "apg"; lr = 0.7', ["logistic"], l1)
    case(apg, 'name = "apg"; lr = 0.7; restart = "gradient"', ["logistic"], l1)
