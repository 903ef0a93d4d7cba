# SPDX-License-Identifier: Apache-2.0
"""Zhang & Mitliagkas 2017, algorithms 1 to 4 with zero-debias; and the behaviour of the authors' tuner_utils/yellowfin.py."""
import math

import numpy
from harness import case, reference


def least_momentum(k):
    return ((math.sqrt(k) - 1) / (math.sqrt(k) + 1)) ** 2


@reference
def paper(x, p):
    beta, w = p["beta"], p["window"]
    h, means, a, t = [], {}, numpy.zeros_like(x), 0

    def mean(name, value):
        means[name] = beta * means.get(name, 0) + (1 - beta) * value
        return means[name] / (1 - beta**t)

    while True:
        lr, g = yield x
        t += 1
        h = (h + [g @ g])[-w:]
        low, high = mean("min", min(h)), mean("max", max(h))
        C = numpy.sum(mean("g2", g * g) - mean("g", g) ** 2)
        mean("norm", math.sqrt(g @ g)), mean("h", g @ g)
        D = mean("D", means["norm"] / means["h"])
        left, right = 0.0, 1.0
        for _ in range(200):  # the least of x^2 D^2 + (1 - x)^4 C / h_min^2
            middle = (left + right) / 2
            falls = 2 * middle * D**2 - 4 * (1 - middle) ** 3 * C / low**2 < 0
            left, right = (middle, right) if falls else (left, middle)
        mu = max(left**2, least_momentum(high / low))
        a = mu * a + g
        x = x - lr * (1 - math.sqrt(mu)) ** 2 / low * a


@reference
def authors(x, p):
    beta, window, eps = p["beta"], p["window"], 1e-6
    sums, h, a, i = {}, [], numpy.zeros_like(x), 0

    def smooth(name, value):
        sums[name] = beta * sums.get(name, 0) + (1 - beta) * value

    def clipped(g, limit):
        return g * min(1, limit / (numpy.linalg.norm(g) + 1e-6))

    while True:
        lr, g = yield x
        last = 1 - beta**i
        if i > 1:
            g = clipped(g, math.sqrt(100 * sums["max"] / last) + eps)
        exploding = i >= 1 and g @ g >= math.exp(sums["log max"] / last)
        target = math.sqrt(sums["max"] / last) if i >= 1 else 0
        debias = 1 - beta ** (i + 1)
        smooth("square", g @ g)
        h = (h + [g @ g])[-window:]
        smooth("log min", math.log(min(h) + eps))
        smooth("max", max(h))
        smooth("log max", math.log(max(h) + eps))
        smooth("g", g)
        C = max(sums["square"] / debias - numpy.sum((sums["g"] / debias) ** 2), eps)
        smooth("norm", math.sqrt(g @ g))
        smooth("D", sums["norm"] / (sums["square"] + eps))
        low, high, D = math.exp(sums["log min"] / debias), sums["max"] / debias, sums["D"] / debias
        mu, rate = 0, 1
        if i > 0:
            q = (D + eps) ** 2 * (low + eps) ** 2 / 2 / (C + eps)
            w3 = (-math.sqrt(q**2 + 4 / 27 * q**3) - q) / 2
            w = math.copysign(abs(w3) ** (1 / 3), w3)
            root = w - q / 3 / (w + eps) + 1
            mu = max(root**2, least_momentum(max((high + eps) / (low + eps), 1 + eps)))
            rate = (1 - math.sqrt(mu)) ** 2 / (low + eps) * min(1, (i + 1) / (10 * window))
        a = mu * a + (clipped(g, target + eps) if exploding else g)
        x = x - lr * rate * a
        i += 1


case(paper, 'name = "yellowfin"; lr = 0.5; beta = 0.8; window = 5')
case(authors, 'name = "yellowfin"; dialect = "authors"; lr = 0.5; beta = 0.8; window = 5')
