# SPDX-License-Identifier: Apache-2.0
"""Schedule-free AdamW in the authors' two-sequence form: AdamWScheduleFree (authors), AdamWScheduleFreePaper (paper)."""
import numpy
from harness import case, reference


@reference
def two_sequences(y, p):
    beta1, beta2, z, v, x = p["beta1"], p["beta2"], y.copy(), numpy.zeros_like(y), y
    largest, total, k = -1.0, 0.0, 0
    while True:
        lr, g = yield y, x
        correction = 1 - beta2 ** (k + 1)
        if p.get("dialect") == "paper":
            lr = lr * numpy.sqrt(correction)
        largest = max(lr, largest)
        weight = ((k + 1) ** p.get("averaging_power", 0)) * largest ** p.get("weight_lr_power", 2)
        total += weight
        c = weight / total
        v = beta2 * v + (1 - beta2) * g * g
        d = numpy.sqrt(v if p.get("dialect") == "paper" else v / correction) + p["epsilon"]
        step = g / d + p.get("weight_decay", 0) * y
        y = y + c * (z - y)
        y = y + lr * (beta1 * (1 - c) - 1) * step
        z = z - lr * step
        x = z + (y - z) / beta1
        k += 1


REST = "lr = 0.2; beta1 = 0.7; beta2 = 0.8; epsilon = 0.01"
for dialect in ("authors", "paper"):
    case(two_sequences, f'name = "schedule_free_adamw"; dialect = "{dialect}"; {REST}')
    case(two_sequences, f'name = "schedule_free_adamw"; dialect = "{dialect}"; {REST}; '
         'averaging_power = 1.5; weight_lr_power = 1.0; weight_decay = 0.3')
