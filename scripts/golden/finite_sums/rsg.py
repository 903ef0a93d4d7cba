# SPDX-License-Identifier: Apache-2.0
"""RSG, RSPG and RSGF of Ghadimi & Lan 2013 and Ghadimi, Lan & Zhang 2016, R uniform; the two-phase methods 2-RSG and 2-RSPG."""
from philox import LAST, below, normal
from sums import PLACES, SEED, case

import numpy


def randomized(f, x, p):
    start, best, least, t = x, None, None, 0
    candidates = p.get("candidates", 1)
    for s in range(candidates):
        for _ in range(below(p["iterations"], SEED, LAST - 2, s)):  # R - 1
            lr, batch = f.factor(t) * p["lr"], f.batch(t)
            if p["name"] == "rsgf":
                u, m = numpy.array([normal(SEED, t, place) for place in PLACES]), p["smoothing"]
                g = (f.value(x + m * u, batch) - f.value(x, batch)) / m * u
            else:
                g = f.gradient(x, batch)
            x = f.prox(x - lr * g, lr)
            yield x
            t += 1
        if candidates > 1:
            lr = p["lr"]  # all judged by the same length
            judges = range(f.per_pass) if p["judge_batches"] >= f.per_pass else range(2**40, 2**40 + p["judge_batches"])
            g = f.gradient(x, numpy.concatenate([f.batch(k) for k in judges]))
            norm = numpy.linalg.norm(x - f.prox(x - lr * g, lr)) / lr
            if best is None or norm < least:
                best, least = x, norm
            x = start if s + 1 < candidates else best
            yield x
            t += 1
    while True:
        yield x


case(randomized, 'name = "rsg"; lr = 0.7; iterations = 1000')
case(randomized, 'name = "rsg"; lr = 0.7; iterations = 25')
case(randomized, 'name = "rsg"; lr = 0.7; iterations = 10; candidates = 4; judge_batches = 2')
case(randomized, 'name = "rspg"; lr = 0.7; iterations = 1000', l1=0.03)
case(randomized, 'name = "rspg"; lr = 0.7; iterations = 8; candidates = 5; judge_batches = 20', l1=0.03)
case(randomized, 'name = "rsgf"; lr = 0.05; smoothing = 0.1; iterations = 1000')
