# SPDX-License-Identifier: Apache-2.0
"""Adafactor as in Shazeer & Stern 2018 (sums over rows and columns, algorithms 4 to 6), Keras' (means) and torch.optim's
single-tensor path (PyTorch 2.5 on; not in 1.13), written out."""
import numpy
from harness import case, reference, tensors


def rms(x):
    return numpy.sqrt(numpy.mean(x**2))


def finish(w, u, lr, t, p, shrink=1.0):
    a = max(p["epsilon2"], rms(w)) * min(lr, 1 / numpy.sqrt(t))
    w *= shrink
    w -= a * u / max(1, rms(u) / p["clip_threshold"])




@reference
def paper(x, p):
    r, c, v, t = numpy.zeros((4, 1)), numpy.zeros((1, 2)), numpy.zeros(4), 0
    while True:
        lr, g = yield x
        t += 1
        beta = 1 - t**p["beta2_decay"]
        x = x.copy()
        (w, bias), (dw, db) = tensors(x), tensors(g)
        square = dw**2 + p["epsilon1"]
        r = beta * r + (1 - beta) * square @ numpy.ones((2, 1))
        c = beta * c + (1 - beta) * numpy.ones((1, 4)) @ square
        finish(w, dw / numpy.sqrt(r @ c / (numpy.ones((1, 4)) @ r)), lr, t, p)
        v = beta * v + (1 - beta) * (db**2 + p["epsilon1"])
        finish(bias, db / numpy.sqrt(v), lr, t, p)


@reference
def keras(x, p):
    r, c, v, t = numpy.zeros(4), numpy.zeros(2), numpy.zeros(4), 0
    while True:
        lr, g = yield x
        t += 1
        beta = 1 - t**p["beta2_decay"]
        x = x.copy()
        (w, bias), (dw, db) = tensors(x), tensors(g)
        r = beta * r + (1 - beta) * numpy.mean(dw**2 + p["epsilon1"], axis=-1)
        c = beta * c + (1 - beta) * numpy.mean(dw**2 + p["epsilon1"], axis=-2)
        finish(w, dw / numpy.sqrt((r / numpy.mean(r))[:, None] * c[None, :]), lr, t, p)
        v = beta * v + (1 - beta) * (db**2 + p["epsilon1"])
        finish(bias, db / numpy.sqrt(v), lr, t, p)


@reference
def torch(x, p):
    r, c, v, t = numpy.zeros((4, 1)), numpy.zeros((1, 2)), numpy.zeros(4), 0
    least = p.get("epsilon1", numpy.finfo(numpy.float64).eps)
    while True:
        lr, g = yield x
        t += 1
        fresh = t**p["beta2_decay"]
        x = x.copy()
        (w, bias), (dw, db) = tensors(x), tensors(g)
        shrink = 1 - lr * p.get("decoupled_weight_decay", 0)
        r = r + fresh * (numpy.linalg.norm(dw, axis=1, keepdims=True)**2 / 2 - r)
        c = c + fresh * (numpy.linalg.norm(dw, axis=0, keepdims=True)**2 / 4 - c)
        estimate = r @ c / max(r.mean(), least)
        finish(w, dw / numpy.sqrt(numpy.maximum(estimate, least**2)), lr, t, p, shrink)
        v = v + fresh * (db * db - v)
        finish(bias, db / numpy.sqrt(numpy.maximum(v, least**2)), lr, t, p, shrink)


REST = "lr = 0.2; beta2_decay = -0.6; epsilon2 = 0.7; clip_threshold = 0.9"
case(paper, f'name = "adafactor"; {REST}; epsilon1 = 0.01')
case(paper, f'name = "adafactor"; {REST}; epsilon1 = 1e-20')
case(keras, f'name = "adafactor"; dialect = "keras"; {REST}; epsilon1 = 0.01')
case(torch, f'name = "adafactor"; dialect = "torch"; {REST}; epsilon1 = 0.1')
case(torch, f'name = "adafactor"; dialect = "torch"; {REST}')
case(torch, f'name = "adafactor"; dialect = "torch"; {REST}; epsilon1 = 0.01; decoupled_weight_decay = 0.3')
