# SPDX-License-Identifier: Apache-2.0
from problems import case


def gd(F, x, p):
    t = p["lr"]
    first = True
    while True:
        g = F.gradient(x)
        if p.get("search") == "armijo":
            if not first:
                t = t / p["shrink"]
            while F.value(x - t * g) > F.value(x) - p["c1"] * t * (g @ g):
                t = t * p["shrink"]
            first = False
        x = x - t * g
        yield x


case(gd, 'name = "gd"; lr = 0.2')
case(gd, 'name = "gd"; lr = 8.0; search = "armijo"; shrink = 0.6; c1 = 0.2')
