"""Prints the fold of each row of Davidson as scikit-learn draws them, for -folds.

usage: python3 folds.py DIR > folds.txt
"""
import sys
import pandas as pd
from sklearn.model_selection import StratifiedKFold

data = pd.read_csv(sys.argv[1] + "/davidson_dev.csv.gz", keep_default_na=False)
fold = [0] * len(data)
for n, (_, test) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(data.text, data.label)):
    for i in test:
        fold[i] = n
print("\n".join(map(str, fold)))
