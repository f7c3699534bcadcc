"""Makes agreement.json: ratings by two raters and scikit-learn's Cohen's kappa of them.

usage: python3 agreement.py > agreement.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn.metrics import cohen_kappa_score

rng = np.random.default_rng(7)
cases = []
for items, classes, weighted in [(12, 2, False), (80, 3, False), (150, 5, True), (40, 4, True)]:
    a = rng.integers(classes, size=items)
    b = np.where(rng.random(items) < 0.6, a, rng.integers(classes, size=items))
    w = np.round(rng.exponential(size=items), 3) if weighted else None
    cases.append({"a": a.tolist(), "b": b.tolist(), "classes": classes, "weight": w.tolist() if weighted else None,
                  "kappa": cohen_kappa_score(a, b, labels=range(classes), sample_weight=w)})
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
