# SPDX-License-Identifier: Apache-2.0
"""TensorFlow 1's ApplyAdagradDA; Duchi, Hazan & Singer 2011, equation 3, with their mean gradient."""
import numpy
from harness import case, reference, soft


@reference
def tf1(x, p):
    centre = x if p.get("centre") == "initial" else 0
    G, V, t = numpy.zeros_like(x), numpy.full_like(x, p["initial_accumulator"]), 0
    while True:
        lr, g = yield x
        t += 1
        G, V = G + g, V + g * g
        x = centre - numpy.sign(G) * lr * numpy.maximum(numpy.abs(G) - p["l1"] * t, 0) / (p["l2"] * t * lr + numpy.sqrt(V))


@reference
def paper(x, p):
    """argmin_x lr <mean g, x> + lr (l1 |x|_1 + l2/2 |x|^2) + x'(delta + sqrt V)x / (2 t)"""
    total, V, t = numpy.zeros_like(x), numpy.zeros_like(x), 0
    while True:
        lr, g = yield x
        t += 1
        total, V = total + g, V + g * g
        curvature = (p["delta"] + numpy.sqrt(V)) / t + lr * p["l2"]
        x = soft(-lr * total / t, lr * p["l1"]) / curvature


case(tf1, 'name = "adagrad_da"; lr = 0.3; initial_accumulator = 0.2; l1 = 0.03; l2 = 0.2')
case(tf1, 'name = "adagrad_da"; lr = 0.3; initial_accumulator = 0.2; l1 = 0.03; l2 = 0.2; centre = "initial"')
case(paper, 'name = "adagrad_da"; dialect = "paper"; lr = 0.3; delta = 0.01; l1 = 0.03; l2 = 0.2')
