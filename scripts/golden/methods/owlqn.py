# SPDX-License-Identifier: Apache-2.0
"""Andrew & Gao 2007, H by the product form of BFGS from the last pairs, as dense matrices."""
import numpy

from problems import case, inverse_hessian


def owlqn(F, x, p):
    c, pairs, g = F.l1, [], F.gradient(x)
    while True:
        low, high = numpy.where(x == 0, g - c, g + c * numpy.sign(x)), numpy.where(x == 0, g + c, g + c * numpy.sign(x))
        v = numpy.where(low > 0, low, numpy.where(high < 0, high, 0))
        d = -inverse_hessian(pairs) @ v
        d = numpy.where(d * -v > 0, d, 0)
        orthant = numpy.where(x != 0, numpy.sign(x), numpy.sign(-v))
        a = 1.0 if pairs else min(1.0, 1 / numpy.sqrt(v @ v))
        while True:
            z = x + a * d
            z = numpy.where(numpy.sign(z) == orthant, z, 0)
            if F.value(z) + F.omega(z) <= F.value(x) + F.omega(x) + p["c1"] * (v @ (z - x)):
                break
            a = a * p["shrink"]
        after = F.gradient(z)
        if (z - x) @ (after - g) > 0:
            pairs = (pairs + [(z - x, after - g)])[-p["memory"]:]
        x, g = z, after
        yield x


# Few steps: later ones are at the minimum but for rounding.
case(owlqn, 'name = "owlqn"; memory = 3; c1 = 1e-3; shrink = 0.4', ["logistic"], l1=0.05, steps=10)
case(owlqn, 'name = "owlqn"; memory = 3; c1 = 1e-3; shrink = 0.4', l1=0.0, steps=10)
