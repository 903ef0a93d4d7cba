# SPDX-License-Identifier: Apache-2.0
"""Katyusha of Allen-Zhu 2017, algorithms 1 (sigma > 0) and 2, option I, as two loops; the table shows the last snapshot."""
import math

from sums import case


def katyusha(f, x, p):
    sigma = p.get("strong_convexity", 0)
    m = max(1, round(p.get("snapshot_every", 2.0) * f.per_pass))
    y = z = snapshot = x
    t = s = 0
    while True:
        mu = f.full(snapshot)
        points, weights = [], []
        weight = 1.0
        for _ in range(m):
            lr = p["lr"] * f.factor(t)  # 1 / (3 L)
            tau1 = min(math.sqrt(m * sigma * lr), 0.5) if sigma > 0 else 2 / (s + 4)
            alpha = lr / tau1
            x = tau1 * z + 0.5 * snapshot + (0.5 - tau1) * y
            g = f.gradient(x, f.batch(t)) - f.gradient(snapshot, f.batch(t)) + mu
            z = f.prox(z - alpha * g, alpha)
            y = f.prox(x - lr * g, lr)
            points.append(y)
            weights.append(weight)
            weight *= 1 + alpha * sigma
            yield snapshot
            t += 1
        snapshot = sum(w * q for w, q in zip(weights, points)) / sum(weights)
        s += 1


case(katyusha, 'name = "katyusha"; lr = 0.4; snapshot_every = 0.8')
case(katyusha, 'name = "katyusha"; lr = 0.4; snapshot_every = 0.6', l1=0.03)
case(katyusha, 'name = "katyusha"; lr = 0.4; strong_convexity = 0.02; snapshot_every = 1.0')
case(katyusha, 'name = "katyusha"; lr = 0.4; strong_convexity = 0.3; snapshot_every = 1.0', l1=0.03, batch=2)
