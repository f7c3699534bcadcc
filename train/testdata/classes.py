"""Makes classes.json: random rows of categories and of three classes, and the
probabilities that scikit-learn's logistic regression gives them.

usage: python3 classes.py > classes.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(17)
cases = []
for rows, classes, c, weighted in [(300, 2, 1, False), (300, 3, 1, False), (400, 4, 0.2, True)]:
    numbers = np.round(rng.normal(size=(rows, 2)) * [1, 40] + [3, 0], 4)
    texts = rng.choice(6, rows, p=[0.3, 0.25, 0.2, 0.15, 0.06, 0.04])  # 5 stands for a missing value
    effect = rng.normal(size=(classes, 6))
    margins = effect[:, texts].T + numbers[:, :1] * rng.normal(size=classes) + rng.gumbel(size=(rows, classes))
    y = margins.argmax(1)
    w = np.round(rng.exponential(size=rows), 3) if weighted else None
    scaler = StandardScaler().fit(numbers, sample_weight=w)
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(texts[:, None])
    z = np.hstack([scaler.transform(numbers), one_hot])
    m = LogisticRegression(C=c, solver="newton-cg", tol=1e-8, max_iter=10000, multi_class="multinomial" if classes > 2 else "ovr").fit(z, y, sample_weight=w)
    cases.append({
        "numbers": numbers.ravel().tolist(), "texts": texts.tolist(), "y": y.tolist(), "classes": classes, "c": float(c),
        "weight": w.tolist() if weighted else None, "probabilities": m.predict_proba(z).ravel().tolist(),
    })
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
