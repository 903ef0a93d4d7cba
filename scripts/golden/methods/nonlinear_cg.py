# SPDX-License-Identifier: Apache-2.0
"""PR+ of Gilbert & Nocedal 1992 with lengths at which the slope along the line is 0 but for rounding: what a search with a very
small c2 must find."""
from problems import case, zero_of_slope


def nonlinear_cg(F, x, p):
    g, since = F.gradient(x), 0
    d = -g
    while True:
        x = x + zero_of_slope(F, x, d) * d
        after = F.gradient(x)
        b = max(0.0, after @ (after - g) / (g @ g))
        if p["restart_every"] and since + 1 >= p["restart_every"]:
            b = 0.0
        since = since + 1 if b > 0 else 0
        d, g = -after + b * d, after
        yield x


# Few steps: what the search leaves of the slope grows from one to the next.
case(nonlinear_cg, 'name = "nonlinear_cg"; c2 = 1e-13; line_requests = 200; restart_every = 0', ["logistic"], steps=5)
case(nonlinear_cg, 'name = "nonlinear_cg"; c2 = 1e-13; line_requests = 200; restart_every = 2', ["logistic"], steps=5)
