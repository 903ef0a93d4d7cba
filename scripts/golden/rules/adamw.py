# SPDX-License-Identifier: Apache-2.0
"""torch.optim.AdamW; Keras' AdamW; Loshchilov & Hutter 2019, algorithm 2, whose decay follows the schedule and not lr."""
import numpy
import torch
from harness import by_torch, case, reference

by_torch_adamw = by_torch(lambda w, p: torch.optim.AdamW(w, lr=1, betas=(p["beta1"], p["beta2"]), eps=p["epsilon"],
                                                         weight_decay=p["weight_decay"]))


@reference
def keras(x, p):
    m, v, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        x = x - x * p["weight_decay"] * lr
        m = m + (g - m) * (1 - p["beta1"])
        v = v + (g * g - v) * (1 - p["beta2"])
        x = x - m * lr * numpy.sqrt(1 - p["beta2"]**t) / (1 - p["beta1"]**t) / (numpy.sqrt(v) + p["epsilon"])


@reference
def paper(x, p):
    m, v, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        v = p["beta2"] * v + (1 - p["beta2"]) * g**2
        m_hat, v_hat = m / (1 - p["beta1"]**t), v / (1 - p["beta2"]**t)
        x = x - lr / p["lr"] * (p["lr"] * m_hat / (numpy.sqrt(v_hat) + p["epsilon"]) + p["weight_decay"] * x)


START = "lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01; weight_decay = 0.2"
case(by_torch_adamw, f'name = "adamw"; {START}')
case(keras, f'name = "adamw"; dialect = "keras"; {START}')
case(paper, f'name = "adamw"; dialect = "paper"; {START}')
