"""Makes logistic.json: random rows and the coefficients scikit-learn fits to them.

usage: python3 logistic.py > logistic.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(11)
cases = []
for rows, columns, c, weighted in [(40, 2, 1, False), (120, 4, 1, False), (120, 4, 0.05, False), (150, 5, 20, True), (60, 8, 1e4, False)]:
    x = rng.normal(size=(rows, columns)) * rng.choice([0.01, 1, 300], columns) + rng.choice([-50, 0, 2], columns)
    x[:, -1] = 7.1  # a constant column
    if columns > 4:
        x[:, 1] = x[:, 0] + 0.1 * rng.normal(size=rows)  # two that say almost the same
    x = np.round(x, 4)
    z = (x - x.mean(0)) / np.maximum(x.std(0), 1e-9)
    y = (z[:, 0] - 0.5 * z[:, min(2, columns - 1)] + rng.logistic(size=rows) > 0.8).astype(int)
    w = np.round(rng.exponential(size=rows), 3) if weighted else None
    scaler = StandardScaler().fit(x, sample_weight=w)
    m = LogisticRegression(C=c, solver="newton-cg", tol=1e-7, max_iter=10000).fit(scaler.transform(x), y, sample_weight=w)
    cases.append({
        "x": x.ravel().tolist(), "y": y.tolist(), "weight": w.tolist() if weighted else None, "columns": columns, "c": float(c),
        "means": scaler.mean_.tolist(), "scales": scaler.scale_.tolist(),
        "weights": m.coef_[0].tolist(), "bias": float(m.intercept_[0]),
        "scores": m.predict_proba(scaler.transform(x))[:, 1].tolist(),
    })
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
