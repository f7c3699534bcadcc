"""Makes calibrate.json: random scores, the beta calibration that scikit-learn's logistic regression gives, and its
isotonic regression.

usage: python3 calibrate.py > calibrate.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(3)


def beta(score, label, weight):
    """Kull et al. 2017: drop what is negative and fit again."""
    inputs = np.column_stack([np.log(score), -np.log(1 - score)])

    def fit(columns):
        m = LogisticRegression(penalty="none", solver="newton-cg", tol=1e-13, max_iter=10000)
        m.fit(inputs[:, columns], label, sample_weight=weight)
        out = [0.0, 0.0, float(m.intercept_[0])]
        for column, value in zip(columns, m.coef_[0]):
            out[column] = float(value)
        return out

    out = fit([0, 1])
    if out[0] < 0:
        return fit([1])
    return fit([0]) if out[1] < 0 else out


cases = []
for n, digits, weighted, truth in [
    (400, 6, False, lambda s: s**2), (400, 6, True, lambda s: 0.5 * s), (600, 2, False, lambda s: 1 / (1 + (1 - s) / s * 5)),
    (500, 1, True, lambda s: s), (500, 6, False, lambda s: 0.9 - 0.8 * (1 - s) ** 6), (500, 6, False, lambda s: 0.1 + 0.8 * s**6),
]:
    score = np.clip(np.round(rng.beta(0.8, 1.2, n), digits), 0.01, 0.99)
    label = (rng.random(n) < truth(score)).astype(int)
    weight = np.round(rng.exponential(size=n), 3) if weighted else None
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(score, label, sample_weight=weight)
    at = np.concatenate([rng.random(50), score[:50], [0, 1]])
    cases.append({
        "score": score.tolist(), "label": label.tolist(), "weight": weight.tolist() if weighted else None,
        "beta": beta(score, label, weight), "at": at.tolist(), "isotonic": isotonic.predict(at).tolist(),
    })
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
