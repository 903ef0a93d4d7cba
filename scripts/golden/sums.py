# SPDX-License-Identifier: Apache-2.0
"""Shared by the golden tables of estimators and of methods for finite sums. A file finite_sums/<name>.py holds references that
know nothing of Talweg but its counter-based draws (philox.py):

    def sgd(f, x, p):                   # a generator: f the sum, x the starting point, p the case's keys of [method]
        for t in itertools.count():     # yields the point to use after each step
            x = x - f.factor(t) * p["lr"] * f.gradient(x, f.batch(t))
            yield x

    case(sgd, 'name = "sgd"; lr = 0.1')

f is logistic regression, f_i(x) = log(1 + exp(-y_i a_i . x)), or where the case has skip_flat a smooth hinge of the same
margin, on N = 20 examples of 12 features:
    a_ij = cos(0.7 + 1.1 i + 1.7 j + 0.3 i j),  y_i the sign of sin(3 i + 0.5)
Minibatch t of a pass is examples t b, ..., t b + b - 1, of the last fewer where b does not divide N; the
learning rate's factor is 1 / (1 + t / 10)."""
import tomllib

import numpy
from harness import SHOWN, SIZE, START, STEPS

N = 20
SEED = 1
PLACES = [*range(8), *range(16, 20)]  # of the elements among the parameters: those of weight, then of bias
CASES = []


class Sum:
    def __init__(self, batch, l1, hinge=False):
        self.hinge = hinge
        i, j = numpy.arange(N)[:, None], numpy.arange(SIZE)[None, :]
        self.a = numpy.cos(0.7 + 1.1 * i + 1.7 * j + 0.3 * i * j)
        self.y = numpy.where(numpy.sin(3.0 * numpy.arange(N) + 0.5) > 0, 1.0, -1.0)
        self.size = batch
        self.l1 = l1
        self.per_pass = -(-N // batch)

    def batch(self, t):
        return numpy.arange(N)[t % self.per_pass * self.size :][: self.size]

    def each(self, x, indices):
        """Gradients of the f_i, one a row."""
        margin = self.y[indices] * (self.a[indices] @ x)
        slope = numpy.clip(margin - 1, -1, 0) if self.hinge else -1 / (1 + numpy.exp(margin))
        return (slope * self.y[indices])[:, None] * self.a[indices]

    def gradient(self, x, indices):
        return self.each(x, indices).mean(axis=0)

    def value(self, x, indices):
        return numpy.log1p(numpy.exp(-self.y[indices] * (self.a[indices] @ x))).mean()

    def full(self, x):
        return self.gradient(x, numpy.arange(N))

    @staticmethod
    def factor(t):
        return 1 / (1 + t / 10)

    def prox(self, x, step):
        return numpy.sign(x) * numpy.maximum(numpy.abs(x) - step * self.l1, 0)


def case(function, method, l1=0.0, batch=4):
    CASES.append((function, method, l1, batch))


def by_sgd(estimate):
    """The reference of an estimator under rule sgd: estimate(f, p) is a generator to which x is sent, and which yields g."""

    def run(f, x, p):
        g = estimate(f, p)
        next(g)
        for t in range(STEPS):
            lr = f.factor(t) * p["lr"]
            x = f.prox(x - lr * g.send(x), lr)
            yield x

    return run


def write(name, folder):
    lines = ["method|omega_l1|batch|step|" + "|".join(f"x{j}" for j in range(SIZE))]
    for function, method, l1, batch in CASES:
        p = tomllib.loads(method.replace("; ", "\n"))
        run = function(Sum(batch, l1, p.get("skip_flat", False)), START.copy(), p)
        for t in range(STEPS):
            x = next(run)
            if t + 1 in SHOWN:
                lines.append("|".join([method, repr(l1), str(batch), str(t + 1)] + [repr(float(v)) for v in x]))
    (folder / "finite_sums" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return len(lines) - 1
