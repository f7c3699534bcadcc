"""Makes calibration.json: reliability curves as scikit-learn and Wilson intervals as SciPy compute them.

Where bins divide the rows, scikit-learn's quantiles part them as bins of equal mass do.

usage: python3 calibration.py > calibration.json      (made with scikit-learn 1.2.1, SciPy 1.10.1)
"""
import json
import numpy as np
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

rng = np.random.default_rng(5)
cases = []
for n, digits, bins, power in [(20, 6, 5, 1), (40, 1, 8, 1), (200, 6, 10, 1), (200, 2, 10, 3), (600, 6, 20, 6), (300, 1, 10, 2)]:
    score = np.round(rng.random(n) ** power, digits)
    label = (rng.random(n) < score ** 1.3).astype(int)
    case = {"label": label.tolist(), "score": score.tolist(), "bins": bins}
    for name, strategy in [("width", "uniform"), ("mass", "quantile")]:
        positive, mean = calibration_curve(label, score, n_bins=bins, strategy=strategy)
        case[name] = {"positive": positive.tolist(), "score": mean.tolist()}
    cases.append(case)
wilson = []
for rows, found in [(1, 0), (1, 1), (10, 3), (50, 50), (400, 1), (13000, 110)]:
    interval = binomtest(found, rows).proportion_ci(method="wilson")
    wilson.append({"rows": rows, "found": found, "low": interval.low, "high": interval.high})
print(json.dumps({"curves": cases, "wilson": wilson}))
