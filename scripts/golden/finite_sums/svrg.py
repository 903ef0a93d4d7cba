# SPDX-License-Identifier: Apache-2.0
"""Johnson & Zhang 2013 with their options I and II and Xiao & Zhang's average; alpha-SVRG of Yin et al. 2025. The inner loop is
not restarted. Babanezhad et al. 2015's growing batch, its mixture with SGD, and its heuristic for skipping examples."""
from philox import LAST, below, uniform
from sums import SEED, by_sgd, case

import numpy


class Skipping:
    """zeros: how often in a row an example, looked at, had no gradient. left: how often it is still to be left out."""

    def __init__(self, f, on):
        self.f, self.on = f, on
        self.zeros, self.left = [0] * len(f.y), [0] * len(f.y)

    def some(self, indices, x):
        if not self.on:
            return indices
        taken = []
        for i in indices:
            if self.left[i] > 0:
                self.left[i] -= 1
                continue
            taken.append(i)
            if numpy.any(self.f.each(x, numpy.array([i]))):
                self.zeros[i] = 0
            else:
                self.zeros[i] += 1
                self.left[i] = 2 ** max(0, self.zeros[i] - 2)
        return numpy.array(taken, dtype=int)

    def gradient(self, x, indices, taken):
        return self.f.each(x, taken).sum(axis=0) / len(indices)


def svrg(f, p):
    m = p.get("snapshot_steps") or max(1, round(p.get("snapshot_every", 1.0) * f.per_pass))
    kind = p.get("snapshot", "last")
    inner = []  # x_0 ... of this inner loop
    skipping = Skipping(f, p.get("skip_flat", False))
    x = yield
    t = 0
    while True:
        passes = p.get("alpha_passes", 0)
        alpha = p.get("alpha", 1.0) * (max(0.0, 1 - t / (passes * f.per_pass)) if passes else 1)
        if t % m == 0:
            if kind == "last" or t == 0:
                snapshot = x
            elif kind == "random":
                snapshot = inner[below(m, SEED, t // m - 1, LAST - 4)]
            else:
                snapshot = sum(inner[1:] + [x]) / m
            count = int(min(p.get("snapshot_batches", f.per_pass) * p.get("snapshot_growth", 2.0) ** (t // m), f.per_pass))
            if count < f.per_pass:
                of_mu = [f.batch(2**40 + t * count + i) for i in range(count)]
                all_of_mu = numpy.concatenate(of_mu)
            else:
                all_of_mu = numpy.arange(len(f.y))
            mu = skipping.gradient(snapshot, all_of_mu, skipping.some(all_of_mu, snapshot))
            inner = []
        inner.append(x)
        batch = f.batch(t)
        if p.get("snapshot_mixed") and count < f.per_pass:
            if uniform(SEED, t, LAST - 5) >= count / f.per_pass:
                x = yield skipping.gradient(x, batch, skipping.some(batch, x))
                t += 1
                continue
            batch = of_mu[below(count, SEED, t, LAST - 6)]
        taken = skipping.some(batch, x)
        x = yield skipping.gradient(x, batch, taken) - alpha * (skipping.gradient(snapshot, batch, taken) - mu)
        t += 1


case(by_sgd(svrg), 'name = "svrg"; lr = 0.8')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; snapshot_every = 1.6', l1=0.03)
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; snapshot_steps = 3')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; snapshot = "random"')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; snapshot = "average"; snapshot_every = 2.0')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; alpha = 0.75; alpha_passes = 5.0')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; snapshot_batches = 1; snapshot_growth = 1.7')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; snapshot_batches = 1; snapshot_growth = 1.2; snapshot_steps = 4; snapshot_mixed = true')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.8; skip_flat = true')
case(by_sgd(svrg), 'name = "svrg"; lr = 0.4; skip_flat = true; snapshot_batches = 1; snapshot_growth = 1.2; snapshot_steps = 4; snapshot_mixed = true')
