# SPDX-License-Identifier: Apache-2.0
"""vSGD-l (Schaul et al. 2013, algorithm 1), its slow start as in the authors' py-optim, curvature by Hutchinson's estimate."""
import numpy
from harness import case, closed_product, draws, reference


def curvature(x, t, p):
    probes = [draws(t * p["probes"] + k)[0] for k in range(p["probes"])]
    return numpy.abs(numpy.mean([z * closed_product(x, z) for z in probes], axis=0)) + p["epsilon"]


@reference
def vsgd(x, p):
    n0, t, g_all, h_all = p["slow_start"], 0, [], []
    while t < n0:
        lr, g = yield x
        g_all.append(g)
        h_all.append(curvature(x, t, p))
        t += 1
    gbar, vbar, hbar = numpy.mean(g_all, axis=0), numpy.mean(numpy.square(g_all), axis=0), numpy.mean(h_all, axis=0)
    vbar, hbar, tau = vbar * p["slow_constant"], hbar * p["slow_constant"], numpy.full_like(x, n0)
    while True:
        lr, g = yield x
        gbar = (1 - 1 / tau) * gbar + g / tau
        vbar = (1 - 1 / tau) * vbar + g**2 / tau
        hbar = (1 - 1 / tau) * hbar + curvature(x, t, p) / tau
        part = numpy.divide(gbar**2, vbar, out=numpy.zeros_like(vbar), where=vbar > 0)
        tau = (1 - part) * tau + 1
        x = x - lr * part / hbar * g
        t += 1


case(vsgd, 'name = "vsgd"; lr = 0.8; probes = 1; slow_start = 4; slow_constant = 1.5; epsilon = 0.01')
case(vsgd, 'name = "vsgd"; lr = 0.8; probes = 3; slow_start = 3; slow_constant = 1.0; epsilon = 0.01')
