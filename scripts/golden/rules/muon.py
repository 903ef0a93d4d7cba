# SPDX-License-Identifier: Apache-2.0
"""The authors' muon.py in float64 (their bfloat16 left out), and torch.optim.Muon of PyTorch 2.9; adamw for the bias."""
import numpy
from harness import case, reference, tensors


def newton_schulz(m, p):
    x = m.T if m.shape[0] > m.shape[1] else m
    norm = numpy.linalg.norm(x)
    x = x / (max(norm, p["epsilon"]) if p.get("dialect") == "torch" else norm + p["epsilon"])
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if m.shape[0] > m.shape[1] else x


@reference
def muon(x, p):
    b, m, v, t, mu = numpy.zeros((4, 2)), numpy.zeros(4), numpy.zeros(4), 0, p["momentum"]
    while True:
        lr, g = yield x
        t += 1
        adam_lr = p["adam_lr"] * lr / p["lr"]
        x = x.copy()
        (w, bias), (dw, db) = tensors(x), tensors(g)
        b = b + (1 - mu) * (dw - b)
        u = newton_schulz(dw + mu * (b - dw) if p.get("nesterov", True) else b, p)
        w *= 1 - lr * p["weight_decay"]
        w -= lr * (0.2 * numpy.sqrt(4) if p.get("scale") == "match_rms" else numpy.sqrt(2)) * u
        m = m + (1 - p["beta1"]) * (db - m)
        v = v + (1 - p["beta2"]) * (db * db - v)
        bias *= 1 - adam_lr * p["weight_decay"]
        bias -= adam_lr * m / (1 - p["beta1"]**t) / (numpy.sqrt(v / (1 - p["beta2"]**t)) + p["adam_epsilon"])


REST = "weight_decay = 0.1; adam_lr = 0.2; beta1 = 0.8; beta2 = 0.7; adam_epsilon = 0.01; epsilon = 0.01"
case(muon, f'name = "muon"; lr = 0.1; momentum = 0.8; {REST}')
case(muon, f'name = "muon"; lr = 0.1; momentum = 0.8; {REST}; nesterov = false')
case(muon, f'name = "muon"; dialect = "torch"; lr = 0.1; momentum = 0.8; {REST}; scale = "match_rms"')
