# SPDX-License-Identifier: Apache-2.0
"""Asynchronous EASGD (Zhang, Choromanska & LeCun 2015, algorithm 1) in round-robin order."""
from sums import case


def easgd(f, centre, p):
    K, tau = p["workers"], p["period"]
    alpha = p["moving_rate"] / K
    w, clock, t = [centre] * K, [0] * K, 0
    while True:
        for i in range(K):
            x = w[i]
            if clock[i] % tau == 0:
                w[i] = w[i] - alpha * (x - centre)
                centre = centre + alpha * (x - centre)
            w[i] = w[i] - f.factor(t) * p["lr"] * f.gradient(x, f.batch(t))
            clock[i] += 1
            t += 1
            yield centre


case(easgd, 'name = "easgd"; lr = 0.8; workers = 3; period = 2; moving_rate = 0.6')
case(easgd, 'name = "easgd"; lr = 0.8; workers = 2; period = 1; moving_rate = 0.9', batch=3)
