# SPDX-License-Identifier: Apache-2.0
"""Perturbed AGD of Jin, Netrapalli & Jordan 2018, algorithms 2 and 3; after negative curvature with a long v the step is x_t itself."""
import numpy
from problems import ball, case


def pagd(F, x, p):
    v, t, noise = numpy.zeros_like(x), 0, None
    eta, theta, s = p["lr"], p["theta"], p["exploit_length"]
    gamma = p.get("gamma", theta**2 / eta)
    while True:
        if numpy.linalg.norm(F.gradient(x)) <= p["gradient_threshold"] and (noise is None or t - noise > p["noise_interval"]):
            x, noise = x + ball(t, p["radius"]), t
        y = x + (1 - theta) * v
        after = y - eta * F.gradient(y)
        speed = numpy.linalg.norm(v)
        if speed > 0 and F.value(x) <= F.value(y) + F.gradient(y) @ (x - y) - gamma / 2 * (x - y) @ (x - y):
            if speed < s:
                x = min((x + s * v / speed, x - s * v / speed), key=F.value)
            v = numpy.zeros_like(x)
        else:
            x, v = after, after - x
        t += 1
        yield x


case(pagd, 'name = "pagd"; lr = 0.2; theta = 0.3; gradient_threshold = 0.8; radius = 0.3; noise_interval = 4; exploit_length = 0.05',
     ["logistic", "sines"])
for length in 0.02, 2.0:  # |v| is long, or short, where the curvature is negative
    case(pagd, 'name = "pagd"; lr = 0.02; theta = 0.1; gamma = 0.01; gradient_threshold = 1.5; radius = 1.0; noise_interval = 3; '
               f'exploit_length = {length}', ["wells"])
