# SPDX-License-Identifier: Apache-2.0
"""Liu & Nocedal 1989, H as a dense matrix, with lengths at which the slope along the line is 0 but for rounding: what a search with a
very small c2 must find."""
from problems import case, inverse_hessian, zero_of_slope


def lbfgs(F, x, p):
    pairs, g = [], F.gradient(x)
    while True:
        d = -inverse_hessian(pairs) @ g
        after = x + zero_of_slope(F, x, d) * d
        gradient = F.gradient(after)
        pairs = (pairs + [(after - x, gradient - g)])[-p["memory"]:]
        x, g = after, gradient
        yield x


# Few steps: what the search leaves of the slope grows from one to the next.
case(lbfgs, 'name = "lbfgs"; memory = 2; c2 = 1e-13; line_requests = 200', ["logistic"], steps=5)
