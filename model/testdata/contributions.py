"""Makes contributions.json: a small model of XGBoost as this package's trees, some
rows with missing values, and XGBoost's own contributions for them, which are
path-dependent SHAP values on the margin, in 32-bit floating point.

usage: python3 contributions.py > contributions.json      (made with xgboost 1.7.4)
"""
import json, re
import numpy as np
import xgboost

FEATURES, ROWS, TREES = 6, 3000, 8
rng = np.random.default_rng(1)
X = np.round(rng.normal(size=(ROWS, FEATURES)), 3).astype(np.float32)
X[rng.random(X.shape) < 0.1] = np.nan
filled = np.nan_to_num(X)
y = (filled[:, 0] * filled[:, 1] + filled[:, 2] + rng.normal(size=ROWS) > 0.5).astype(int)
model = xgboost.train(
    {"objective": "binary:logistic", "max_depth": 6, "eta": 0.3, "tree_method": "exact",
     "base_score": 0.5, "nthread": 1}, xgboost.DMatrix(X, y), TREES)


def tree(raw):
    """Gives an XGBoost tree as Tree's arrays; x < t becomes x <= the number before t."""
    splits = [i for i, left in enumerate(raw["left_children"]) if left >= 0]
    leaves = [i for i, left in enumerate(raw["left_children"]) if left < 0]
    number = {n: k for k, n in enumerate(splits)} | {n: ~k for k, n in enumerate(leaves)}
    at = lambda i: np.float32(raw["split_conditions"][i])
    return {
        "Feature": [raw["split_indices"][i] for i in splits],
        "Threshold": [float(np.nextafter(at(i), np.float32(-np.inf))) for i in splits],
        "Left": [number[raw["left_children"][i]] for i in splits],
        "Right": [number[raw["right_children"][i]] for i in splits],
        "MissingLeft": [bool(raw["default_left"][i]) for i in splits],
        "Value": [float(at(i)) for i in leaves],
        "Cover": [raw["sum_hessian"][i] for i in leaves],
    }


raw = json.loads(model.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
rows = X[:12]
contributions = model.predict(xgboost.DMatrix(rows), pred_contribs=True)
number = lambda x: None if np.isnan(x) else float(x)
text = json.dumps({
    "trees": [tree(t) for t in raw],
    "rows": [[number(x) for x in row] for row in rows],
    "contributions": [[float(c) for c in row[:-1]] for row in contributions],
    "base": float(contributions[0, -1]),
}, indent=1)
print(re.sub(r"\[\n\s+([^\[\]{}]*?)\n\s+\]", lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]", text))
