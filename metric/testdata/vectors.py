"""Makes vectors.json: metrics of random sets as scikit-learn computes them.

usage: python3 vectors.py > vectors.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

rng = np.random.default_rng(7)
cases = []
for n, digits, rate, weighted in [
    (2, 3, 0.5, False), (20, 1, 0.5, False), (20, 1, 0.5, True), (60, 2, 0.1, False),
    (60, 2, 0.1, True), (200, 6, 0.05, False), (200, 1, 0.3, True), (40, 0, 0.4, False),
]:
    label = (rng.random(n) < rate).astype(int)
    label[0], label[1] = 0, 1
    score = np.round(np.clip(0.3 * label + rng.random(n) * 0.8, 0, 1), digits)
    weight = np.round(rng.exponential(size=n), 3) if weighted else None
    if weighted:
        weight[rng.integers(2, n, n // 10)] = 0
    cases.append({
        "label": label.tolist(), "score": score.tolist(), "weight": weight.tolist() if weighted else None,
        "auc": roc_auc_score(label, score, sample_weight=weight),
        "average_precision": average_precision_score(label, score, sample_weight=weight),
        "log_loss": log_loss(label, np.clip(score, 2.0**-52, 1 - 2.0**-52), sample_weight=weight, eps=1e-300),
        "brier": brier_score_loss(label, score, sample_weight=weight),
    })
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
