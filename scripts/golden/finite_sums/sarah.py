# SPDX-License-Identifier: Apache-2.0
"""SARAH and SARAH+ of Nguyen, Liu, Scheinberg & Takac 2017, algorithms 1 and 2, the outer loop going on from the last point."""
from sums import by_sgd, case


def sarah(f, p):
    m = max(1, round(p.get("refresh_passes", 1.0) * f.per_pass))
    gamma = p.get("stop_ratio", 0)
    x = yield
    t = 0
    while True:
        v = f.full(x)
        first, full = v, v @ v
        before, x = x, (yield v)
        t += 1
        for _ in range(m - 1):
            if v is not first and v @ v <= gamma * full:
                break
            batch = f.batch(t)
            v = f.gradient(x, batch) - f.gradient(before, batch) + v
            before, x = x, (yield v)
            t += 1


case(by_sgd(sarah), 'name = "sarah"; lr = 0.8')
case(by_sgd(sarah), 'name = "sarah"; lr = 0.8; refresh_passes = 3.0', l1=0.03)
case(by_sgd(sarah), 'name = "sarah"; lr = 2.0; refresh_passes = 4.0; stop_ratio = 0.3')
