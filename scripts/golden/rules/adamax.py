# SPDX-License-Identifier: Apache-2.0
"""torch.optim.Adamax; TensorFlow 1's ApplyAdaMax written out; algorithm 2 of Kingma & Ba 2015, which has no epsilon."""
import numpy
import torch
from harness import by_torch, case, reference

by_torch_adamax = by_torch(lambda w, p: torch.optim.Adamax(w, lr=1, betas=(p["beta1"], p["beta2"]), eps=p["epsilon"]))


@reference
def tf1(x, p):
    m, u, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = m + (g - m) * (1 - p["beta1"])
        u = numpy.maximum(p["beta2"] * u, numpy.abs(g))
        x = x - lr / (1 - p["beta1"]**t) * (m / (u + p["epsilon"]))


case(by_torch_adamax, 'name = "adamax"; lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01')
@reference
def paper(x, p):
    m, u, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        m = p["beta1"] * m + (1 - p["beta1"]) * g
        u = numpy.maximum(p["beta2"] * u, numpy.abs(g))
        x = x - lr / (1 - p["beta1"]**t) * numpy.divide(m, u, out=numpy.zeros_like(m), where=u > 0)


case(paper, 'name = "adamax"; dialect = "paper"; lr = 0.1; beta1 = 0.8; beta2 = 0.7')
for dialect in ("tf1", "keras"):
    case(tf1, f'name = "adamax"; dialect = "{dialect}"; lr = 0.1; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01')
