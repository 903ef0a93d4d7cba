# SPDX-License-Identifier: Apache-2.0
"""PAGE of Li, Bao, Zhang & Richtarik 2021, algorithm 1; with a fixed period SpiderBoost of Wang et al. 2019; and under
clip_global_norm = 2 eps SPIDER's steps of Fang, Li, Lin & Zhang 2018: min(eps / (L n0 |v|), 1 / (2 L n0)) v, lr = 1 / (2 L n0)."""
from philox import LAST, uniform
from sums import N, SEED, by_sgd, case

import numpy


def page(f, p):
    chance = p.get("refresh_probability") or f.size / (N + f.size)
    every = p.get("refresh_every")
    x = yield
    t = 0
    while True:
        full = t % every == 0 if every else uniform(SEED, t, LAST - 2) < chance
        if t == 0 or full:
            g = f.full(x)
        else:
            g = f.gradient(x, f.batch(t)) - f.gradient(before, f.batch(t)) + g
        before, x = x, (yield g)
        t += 1


def spider(f, x, p):
    steps = page(f, p)
    next(steps)
    t = 0
    while True:
        v = steps.send(x)
        eps, length = p["clip_global_norm"] / 2, 1 / p["lr"]  # length = 2 L n0
        x = x - f.factor(t) * min(2 * eps / (length * numpy.linalg.norm(v)), 1 / length) * v
        yield x
        t += 1


case(by_sgd(page), 'name = "page"; lr = 0.8')
case(by_sgd(page), 'name = "page"; lr = 0.8; refresh_probability = 0.4', l1=0.03)
case(by_sgd(page), 'name = "page"; lr = 0.8; refresh_every = 3')
case(spider, 'name = "page"; lr = 0.8; refresh_every = 4; clip_global_norm = 0.2')
