# SPDX-License-Identifier: Apache-2.0
"""Local SGD (Stich 2019, algorithm 1), its workers one after the other: worker k's step i takes minibatch i K + k."""
from sums import case


def local_sgd(f, x, p):
    K, H = p["workers"], p["period"]
    w, i = [x] * K, 0
    while True:
        for k in range(K):
            t = i * K + k
            w[k] = w[k] - f.factor(t) * p["lr"] * f.gradient(w[k], f.batch(t))
            if k == K - 1 and (i + 1) % H == 0:
                w = [sum(w) / K] * K
            yield sum(w) / K
        i += 1


case(local_sgd, 'name = "local_sgd"; lr = 0.8; workers = 3; period = 2')
case(local_sgd, 'name = "local_sgd"; lr = 0.8; workers = 4; period = 5', batch=3)
