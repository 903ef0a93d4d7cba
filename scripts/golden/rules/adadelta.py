# SPDX-License-Identifier: Apache-2.0
"""torch.optim.Adadelta; Zeiler 2012, TensorFlow 1's ApplyAdadelta and Keras' Adadelta written out."""
import numpy
import torch
from harness import by_torch, case, reference

by_torch_adadelta = by_torch(lambda w, p: torch.optim.Adadelta(w, lr=1, rho=p["rho"], eps=p["epsilon"]))


@reference
def kernel(x, p):
    a, d = numpy.zeros_like(x), numpy.zeros_like(x)
    while True:
        lr, g = yield x
        a = a * p["rho"] + g * g * (1 - p["rho"])
        delta = numpy.sqrt(d + p["epsilon"]) / numpy.sqrt(a + p["epsilon"]) * g
        x = x - lr * delta
        d = d * p["rho"] + delta * delta * (1 - p["rho"])


case(by_torch_adadelta, 'name = "adadelta"; dialect = "torch"; lr = 0.7; rho = 0.8; epsilon = 0.01')
for dialect in ("paper", "tf1", "keras"):
    case(kernel, f'name = "adadelta"; dialect = "{dialect}"; lr = 0.7; rho = 0.8; epsilon = 0.01')
