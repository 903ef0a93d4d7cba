# SPDX-License-Identifier: Apache-2.0
"""Schedule-free sgd in the authors' two-sequence form (sgd_schedulefree.py: y and z; x recovered from them)."""
from harness import case, reference


def share(t, lr, p, kept):
    """Their ckp1; kept = [largest rate, sum of weights]."""
    kept[0] = max(kept[0], lr)
    weight = (t ** p.get("averaging_power", 0)) * kept[0] ** p.get("weight_lr_power", 2)
    kept[1] += weight
    return weight / kept[1]


@reference
def authors(y, p):
    beta, z, kept, t, x = p["momentum"], y.copy(), [-1.0, 0.0], 0, y
    while True:
        lr, g = yield y, x
        t += 1
        c = share(t, lr, p, kept)
        g = g + p.get("weight_decay", 0) * y
        y = y + c * (z - y)
        y = y + lr * (beta * (1 - c) - 1) * g
        z = z - lr * g
        x = z + (y - z) / beta


case(authors, 'name = "schedule_free_sgd"; lr = 0.1; momentum = 0.7')
case(authors, 'name = "schedule_free_sgd"; lr = 0.1; momentum = 0.7; averaging_power = 1.5; weight_lr_power = 1.0; weight_decay = 0.3')
