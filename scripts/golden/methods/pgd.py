# SPDX-License-Identifier: Apache-2.0
"""Perturbed gradient descent of Jin et al. 2017, algorithm 2. Where that returns, so does one step; the next goes on from there."""
import numpy
from problems import ball, case


def constants(p, d):
    """eta, r, g_th, t_th, f_th."""
    if p.get("mode") != "theory":
        return p["lr"], p["radius"], p["gradient_threshold"], p["noise_interval"], p["decrease_threshold"]
    L, rho, eps, c = p["smoothness"], p["hessian_lipschitz"], p["epsilon"], p["c"]
    chi = 3 * max(numpy.log(d * L * p["objective_gap"] / (c * eps**2 * p["failure_probability"])), 4)
    return (c / L, numpy.sqrt(c) * eps / (chi**2 * L), numpy.sqrt(c) * eps / chi**2, chi * L / (c**2 * numpy.sqrt(rho * eps)),
            c / chi**3 * numpy.sqrt(eps**3 / rho))


def pgd(F, x, p):
    eta, r, threshold, interval, fall = constants(p, len(x))
    t, noise, before = 0, None, None
    while True:
        if noise is not None and t - noise == numpy.ceil(interval) and F.value(x) - F.value(before) > -fall:
            x = before
            t += 1
            yield x
            continue
        if numpy.linalg.norm(F.gradient(x)) <= threshold and (noise is None or t - noise > interval):
            before, noise = x, t
            x = x + ball(t, r)
        x = x - eta * F.gradient(x)
        t += 1
        yield x


for fall in 0.1, 1e-12:  # an interval of the first ends in a return, of the second in the next noise
    case(pgd, f'name = "pgd"; lr = 0.05; gradient_threshold = 1.5; radius = 1.0; noise_interval = 3; decrease_threshold = {fall}', ["wells"])
case(pgd, 'name = "pgd"; lr = 0.2; gradient_threshold = 0.8; radius = 0.3; noise_interval = 400; decrease_threshold = 1e-12',
     ["logistic", "sines"])
case(pgd, 'name = "pgd"; mode = "theory"; smoothness = 4.0; hessian_lipschitz = 2.0; epsilon = 400.0; c = 0.9; '
          'failure_probability = 0.2; objective_gap = 5.0', ["sines"])
