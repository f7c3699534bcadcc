"""Makes text.json: made-up messages, and the margins that scikit-learn's logistic regression gives them on TF-IDF
columns scaled by log-count ratios.

usage: python3 text.py > text.json      (made with scikit-learn 1.2.1)
"""
import json, random
import numpy as np, scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

random.seed(3)
subjects = "the cat|my old bike|a train|our garden|this soup|that film".split("|")
verbs = "runs well|is slow today|was great|fell apart|isn't bad|needs salt , really".split("|")
ends = ["", "!", "!!", "again", "and again and again", "so I'm told"]
texts = [" ".join([random.choice(subjects), random.choice(verbs), random.choice(ends)]).strip() for _ in range(80)]
word = dict(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\w+(?:'\w+)*|[^\w\s]")
char = dict(analyzer="char_wb", ngram_range=(2, 4), min_df=3, sublinear_tf=True)
cases = []
for classes, c, balance in [(2, 1.0, 0.0), (3, 4.0, 0.5)]:
    y = np.array([(("bad" in t or "slow" in t or "fell" in t) + (classes == 3 and "!" in t)) if random.random() < 0.9 else random.randrange(classes) for t in texts])
    x = sp.hstack([TfidfVectorizer(**word).fit_transform(texts), TfidfVectorizer(**char).fit_transform(texts)]).tocsr()
    margins = []
    for k in ([1] if classes == 2 else range(classes)):
        pos = y == k
        p, q = np.asarray(x[pos].sum(0)).ravel() + 1, np.asarray(x[~pos].sum(0)).ravel() + 1
        r = np.log((p / p.sum()) / (q / q.sum()))
        factor = (len(y) / (classes * pos.sum())) ** balance
        z = x @ sp.diags(r)
        m = LogisticRegression(C=c, solver="liblinear", tol=1e-10, max_iter=100000).fit(z, pos, sample_weight=np.where(pos, factor, 1.0))
        margins.append(m.decision_function(z).tolist())
    cases.append({"texts": texts, "y": y.tolist(), "classes": classes, "c": c, "balance": balance, "margins": margins})
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
