# SPDX-License-Identifier: Apache-2.0
"""agd and fista: Beck & Teboulle's recursion with theta = 1 / k; restarts of O'Donoghue & Candes."""
import numpy

from problems import backtracked, case


def accelerated(F, x, p):
    y, theta, t = x, 1.0, p["lr"]
    while True:
        z, t = backtracked(F, y, F.gradient(y), t, p)
        test = {"gradient": lambda: (y - z) @ (z - x) > 0,
                "function": lambda: F.value(z) + F.omega(z) > F.value(x) + F.omega(x)}
        if p.get("restart", "none") != "none" and test[p["restart"]]():
            theta, y = 1.0, z
        elif p.get("form") == "strongly_convex":
            q = numpy.sqrt(p["strong_convexity"] * t)
            y = z + (1 - q) / (1 + q) * (z - x)
        else:
            after = 2 / (1 + numpy.sqrt(1 + 4 / theta ** 2))
            y = z + after * (1 / theta - 1) * (z - x)
            theta = after
        x = z
        yield x


for name, l1 in ("agd", 0.0), ("fista", 0.05), ("fista", 0.0):
    case(accelerated, f'name = "{name}"; lr = 0.7', ["logistic"], l1)
    case(accelerated, f'name = "{name}"; lr = 0.7; restart = "gradient"', ["logistic"], l1)
    case(accelerated, f'name = "{name}"; lr = 0.7; restart = "function"', ["logistic"], l1)
    case(accelerated, f'name = "{name}"; lr = 0.7; form = "strongly_convex"; strong_convexity = 0.05', ["logistic"], l1)
    case(accelerated, f'name = "{name}"; lr = 30.0; search = "backtracking"; shrink = 0.6', ["logistic"], l1)
