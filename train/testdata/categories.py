"""Makes categories.json: rows with a category of many values, and the log loss
on later rows of scikit-learn's boosted trees, which part categories by sets, and
of the same without knowing that they are categories.

usage: python3 categories.py > categories.json      (made with scikit-learn 1.2.1)
"""
import json
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

rng = np.random.default_rng(3)
rows, later, categories = 3000, 1500, 60
shop = np.minimum((categories * rng.random(rows + later) ** 2).astype(int), categories - 1)
number = np.round(rng.normal(size=rows + later), 2)
effect = 1.2 * rng.normal(size=categories)
y = (effect[shop] + np.where(shop % 2 == 0, number, -number) - 1 + rng.logistic(size=rows + later) > 0).astype(int)
x = np.column_stack([shop, number])

def loss(**settings):
    m = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.1, max_depth=4, min_samples_leaf=10, l2_regularization=1,
                                       early_stopping=False, **settings).fit(x[:rows], y[:rows])
    return log_loss(y[rows:], m.predict_proba(x[rows:])[:, 1])

print(json.dumps({"shop": shop.tolist(), "number": number.tolist(), "y": y.tolist(), "rows": rows,
                  "loss": loss(categorical_features=[0]), "loss_as_numbers": loss()}))
