# SPDX-License-Identifier: Apache-2.0
"""RSAG of Ghadimi & Lan 2016 with lambda_k = k beta / 2, alpha_k = 2 / (k + 1), batches of ceil(batch_growth k) minibatches; R with
probability proportional to k (k + 1)."""
import math

from philox import LAST, uniform
from sums import SEED, case

import numpy


def rsag(f, x, p):
    n = p["iterations"]
    drawn = uniform(SEED, LAST - 2) * n * (n + 1) * (n + 2)
    end = next(k for k in range(1, n + 1) if k * (k + 1) * (k + 2) > drawn)
    ag = x
    for k in range(1, end + 1):
        beta = f.factor(k - 1) * p["lr"]
        alpha, m = 2 / (k + 1), max(1, math.ceil(p["batch_growth"] * k))
        md = (1 - alpha) * ag + alpha * x
        g = f.full(md)
        if m < f.per_pass:
            g = f.gradient(md, numpy.concatenate([f.batch(2**40 + (k - 1) * m + i) for i in range(m)]))
        x = f.prox(x - k * beta / 2 * g, k * beta / 2)
        ag = f.prox(md - beta * g, beta)
        yield ag
    while True:
        yield ag


case(rsag, 'name = "rsag"; lr = 0.6; iterations = 1000; batch_growth = 0.2')
case(rsag, 'name = "rsag"; lr = 0.6; iterations = 1000; batch_growth = 0.0', l1=0.03)
case(rsag, 'name = "rsag"; lr = 0.6; iterations = 15; batch_growth = 0.5', l1=0.03, batch=3)
