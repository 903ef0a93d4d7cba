# SPDX-License-Identifier: Apache-2.0
"""Gradient noise before a rule: Ge, Huang, Jin & Yuan 2015 (sphere, and the ball), Neelakantan et al. 2015 (annealed Gaussian),
Welling & Teh 2011 (Langevin, written as its step: sqrt(2 lr T) xi on x)."""
import numpy
from harness import SIZE, case, reference
from philox import LAST, normal, uniform

SEED = 1
PLACES = list(range(8)) + list(range(16, 20))  # weight [4, 2]; the next tensor begins at a multiple of 16


def normals(t):
    return numpy.array([normal(SEED, t, place) for place in PLACES])


def noise(p, t):
    xi = normals(t)
    if p["noise"] == "gaussian":
        return numpy.sqrt(p["noise_variance"] / (1 + t) ** p["noise_power"]) * xi
    radius = p["noise_scale"]
    if p["noise"] == "ball":
        radius *= uniform(SEED, t, LAST - 3) ** (1 / SIZE)
    return radius * xi / numpy.linalg.norm(xi)


@reference
def sgd(x, p):
    t = 0
    while True:
        lr, g = yield x
        x = x - lr * (g + noise(p, t))
        t += 1


@reference
def langevin(x, p):
    t = 0
    while True:
        lr, g = yield x
        x = x - lr * g - numpy.sqrt(2 * lr * p["temperature"]) * normals(t)
        t += 1


@reference
def clipped_momentum(x, p):
    a = numpy.zeros(SIZE)
    t = 0
    while True:
        lr, g = yield x
        g = g * min(1, p["clip_global_norm"] / numpy.linalg.norm(g))
        a = p["momentum"] * a + g + noise(p, t)
        x = x - lr * a
        t += 1


case(sgd, 'name = "sgd"; lr = 0.1; noise = "sphere"; noise_scale = 2.0')
case(sgd, 'name = "sgd"; lr = 0.1; noise = "ball"; noise_scale = 2.0')
case(sgd, 'name = "sgd"; lr = 0.1; noise = "gaussian"; noise_variance = 0.3; noise_power = 0.7')
case(langevin, 'name = "sgd"; lr = 0.1; noise = "langevin"; temperature = 0.2')
case(clipped_momentum, 'name = "momentum"; lr = 0.1; momentum = 0.8; clip_global_norm = 0.5; noise = "sphere"; noise_scale = 2.0')
