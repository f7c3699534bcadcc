"""Makes classes.json: scores of several classes and scikit-learn's figures of them.

usage: python3 classes.py > classes.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn import metrics

rng = np.random.default_rng(5)
cases = []
for rows, classes, weighted in [(60, 3, False), (200, 4, True), (30, 2, False), (40, 5, True)]:
    margins = np.round(rng.normal(size=(rows, classes)), 1)  # rounded, so that some tie
    scores = np.exp(margins) / np.exp(margins).sum(1, keepdims=True)
    y = (margins + rng.gumbel(size=margins.shape)).argmax(1)
    y[:classes] = range(classes)
    w = np.round(rng.exponential(size=rows), 3) if weighted else None
    held, labels = scores.argmax(1), range(classes)
    p, r, f, _ = metrics.precision_recall_fscore_support(y, held, labels=labels, sample_weight=w, zero_division=0)
    cases.append({
        "score": scores.ravel().tolist(), "label": y.tolist(), "classes": classes, "weight": w.tolist() if weighted else None,
        "accuracy": metrics.accuracy_score(y, held, sample_weight=w),
        "macro_f1": metrics.f1_score(y, held, labels=labels, average="macro", sample_weight=w, zero_division=0),
        "weighted_f1": metrics.f1_score(y, held, labels=labels, average="weighted", sample_weight=w, zero_division=0),
        "log_loss": metrics.log_loss(y, scores, labels=labels, sample_weight=w),
        "brier": float(np.average(((scores - np.eye(classes)[y]) ** 2).sum(1), weights=w)),
        "confusion": metrics.confusion_matrix(y, held, labels=labels, sample_weight=w).tolist(),
        "precision": p.tolist(), "recall": r.tolist(), "f1": f.tolist(),
        "auc": [metrics.roc_auc_score(y == k, scores[:, k], sample_weight=w) for k in labels],
    })
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
