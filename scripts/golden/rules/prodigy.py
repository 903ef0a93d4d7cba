# SPDX-License-Identifier: Apache-2.0
"""Prodigy as in the paper's algorithm in Adam form, and the authors' prodigyopt step by step."""
import numpy
from harness import case, reference


@reference
def paper(x, p):
    start, b1, b2, b3 = x.copy(), p["beta1"], p["beta2"], numpy.sqrt(p["beta2"])
    m, v, s, r, d = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x), 0.0, p["d0"]
    while True:
        lr, g = yield x
        m = b1 * m + (1 - b1) * d * g
        v = b2 * v + (1 - b2) * d**2 * g**2
        r = b3 * r + (1 - b3) * lr * d**2 * numpy.dot(g, start - x)
        s = b3 * s + (1 - b3) * lr * d**2 * g
        x = x - lr * d * m / (numpy.sqrt(v) + d * p["epsilon"])
        d = max(d, r / numpy.abs(s).sum())


@reference
def authors(x, p):
    start, b1, b2 = x.copy(), p["beta1"], p["beta2"]
    b3 = p.get("beta3", numpy.sqrt(b2))
    d0 = d = d_max = p["d0"]
    m, v, s, numerator, k = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros_like(x), 0.0, 0
    while True:
        lr, g = yield x
        correction = (1 - b2**(k + 1))**0.5 / (1 - b1**(k + 1)) if p.get("bias_correction") else 1
        dlr = d * lr * correction
        numerator = numerator * b3 + (d / d0) * dlr * numpy.dot(g, start - x)
        m = m * b1 + d * (1 - b1) * g
        v = v * b2 + d * d * (1 - b2) * g * g
        s = s * b3 + (d / d0) * (d if p.get("safeguard_warmup") else dlr) * g
        d_hat = p.get("d_coef", 1) * numerator / numpy.abs(s).sum()
        if d == d0:
            d = max(d, d_hat)
        d_max = max(d_max, d_hat)
        d = min(d_max, d * p.get("growth_rate", numpy.inf))
        x = x - p.get("weight_decay", 0) * dlr * x
        x = x - dlr * m / (numpy.sqrt(v) + d * p["epsilon"])
        k += 1


BETAS = "lr = 0.9; beta1 = 0.8; beta2 = 0.7; epsilon = 0.01; d0 = 0.05"
case(paper, f'name = "prodigy"; dialect = "paper"; {BETAS}')
case(authors, f'name = "prodigy"; {BETAS}')
case(authors, f'name = "prodigy"; {BETAS}; beta3 = 0.6; d_coef = 0.7; weight_decay = 0.1')
case(authors, f'name = "prodigy"; {BETAS}; bias_correction = true; safeguard_warmup = true; growth_rate = 1.1')
