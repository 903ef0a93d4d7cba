# SPDX-License-Identifier: Apache-2.0
"""TensorFlow 1's ApplyFtrl and ApplyFtrlV2, Keras' Ftrl (beta), McMahan et al. 2013 (Algorithm 1: l2, beta)."""
import numpy
from harness import case, reference


def keys(p, t):
    times = t if p.get("composite") == "per_step" else 1
    return times * p.get("l1", 0), times * p.get("l2", 0)


@reference
def kernel(x, p):
    centre = x if p.get("centre") == "initial" else 0
    power = p.get("power", -0.5)
    n, z, y, t = numpy.full_like(x, p["initial_accumulator"]), numpy.zeros_like(x), x - centre, 0
    while True:
        lr, g = yield y + centre
        t += 1
        l1, l2 = keys(p, t)
        l2 = l2 + p.get("beta", 0) / (2 * lr)
        new = n + g * g
        z = z + g + 2 * p.get("l2_shrinkage", 0) * y - (new**-power - n**-power) / lr * y
        y = numpy.where(numpy.abs(z) > l1, (l1 * numpy.sign(z) - z) / (new**-power / lr + 2 * l2), 0)
        n = new


@reference
def paper(w, p):
    n, z, t = numpy.zeros_like(w), numpy.zeros_like(w), 0
    while True:
        alpha, g = yield w
        t += 1
        l1, l2 = keys(p, t)
        sigma = (numpy.sqrt(n + g**2) - numpy.sqrt(n)) / alpha
        z = z + g - sigma * w
        n = n + g**2
        w = numpy.where(numpy.abs(z) <= l1, 0, -(z - numpy.sign(z) * l1) / ((p["beta"] + numpy.sqrt(n)) / alpha + l2))


START = "lr = 0.3; initial_accumulator = 0.2"
case(kernel, f'name = "ftrl"; {START}')
case(kernel, f'name = "ftrl"; {START}; l1 = 0.4; l2 = 0.3; l2_shrinkage = 0.1')
case(kernel, f'name = "ftrl"; {START}; l1 = 0.02; l2 = 0.03; composite = "per_step"')
case(kernel, f'name = "ftrl"; {START}; l1 = 0.4; power = -0.7')
case(kernel, f'name = "ftrl"; {START}; l1 = 0.4; centre = "initial"')
case(kernel, f'name = "ftrl"; dialect = "keras"; {START}; l1 = 0.4; l2 = 0.3; beta = 0.6')
case(paper, 'name = "ftrl"; dialect = "paper"; lr = 0.3; l1 = 0.4; l2 = 0.3; beta = 0.7')
