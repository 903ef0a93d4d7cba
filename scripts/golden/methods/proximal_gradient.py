# SPDX-License-Identifier: Apache-2.0
from problems import backtracked, case


def proximal_gradient(F, x, p):
    t = p["lr"]
    while True:
        x, t = backtracked(F, x, F.gradient(x), t, p)
        yield x


case(proximal_gradient, 'name = "proximal_gradient"; lr = 0.2')
case(proximal_gradient, 'name = "proximal_gradient"; lr = 0.2', l1=0.1)
case(proximal_gradient, 'name = "proximal_gradient"; lr = 20.0; search = "backtracking"; shrink = 0.7', l1=0.1)
