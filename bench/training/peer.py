"""Fits XGBoost's hist to rows once for each line of standard input, and prints the seconds each fit took."""
import sys, time
import numpy, xgboost

path, columns, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = numpy.fromfile(path + ".x").reshape(-1, columns)
y = numpy.fromfile(path + ".y")
print("XGBoost", xgboost.__version__, flush=True)
for _ in sys.stdin:
    model = xgboost.XGBClassifier(random_state=0, n_jobs=threads, n_estimators=100, max_depth=6, learning_rate=0.1,
                                  tree_method="hist", max_bin=1024)
    begun = time.time()
    model.fit(x, y)
    print(time.time() - begun, flush=True)
