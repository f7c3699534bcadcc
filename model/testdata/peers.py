"""Times one-row prediction through the C interfaces of XGBoost and LightGBM, for
100 trees of at most 31 leaves and depth 6 on 15 features: the shape of
BenchmarkScore100x31.

usage: python3 peers.py      (needs numpy, xgboost, lightgbm)

Each call goes through ctypes, whose cost is measured with a call that does
nothing and printed beside the times; it is not subtracted.
"""
import ctypes, json, time
import numpy as np

FEATURES, ROWS, TREES, LEAVES, DEPTH = 15, 20_000, 100, 31, 6
rng = np.random.default_rng(1)
X = rng.normal(size=(ROWS, FEATURES))
y = (X[:, 0] * X[:, 1] + X[:, 2] * np.sin(3 * X[:, 3]) + rng.normal(size=ROWS) > 0).astype(int)


def micros(call, calls=50_000):
    """Gives the best of five mean times, in microseconds, over changing rows."""
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for i in range(calls):
            call(i % 4096)
        best = min(best, (time.perf_counter() - begun) / calls * 1e6)
    return best


def lightgbm_call():
    import lightgbm
    model = lightgbm.train(
        {"objective": "binary", "num_leaves": LEAVES, "max_depth": DEPTH, "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(X, y), TREES)
    lib, handle, fast = lightgbm.basic._LIB, model._handle, ctypes.c_void_p()
    float64, predict_normal = 1, 0
    assert lib.LGBM_BoosterPredictForMatSingleRowFastInit(
        handle, predict_normal, 0, -1, float64, FEATURES, b"num_threads=1", ctypes.byref(fast)) == 0
    size, out = ctypes.c_int64(), (ctypes.c_double * 1)()
    rows = [X[i].ctypes.data_as(ctypes.c_void_p) for i in range(4096)]
    size_at, predict = ctypes.byref(size), lib.LGBM_BoosterPredictForMatSingleRowFast

    def call(i):
        predict(fast, rows[i], size_at, out)
    call(7)
    assert abs(out[0] - model.predict(X[7:8])[0]) < 1e-12
    return call, (model, lib)


def xgboost_call():
    import xgboost
    model = xgboost.train(
        {"objective": "binary:logistic", "max_leaves": LEAVES, "max_depth": DEPTH, "nthread": 1, "tree_method": "hist"},
        xgboost.DMatrix(X, y), TREES)
    lib = xgboost.core._LIB
    config = json.dumps({"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0,
                         "missing": float("nan"), "strict_shape": False, "cache_id": 0}).encode()
    rows = [json.dumps({"data": [X[i:i + 1].ctypes.data, True], "shape": [1, FEATURES], "typestr": "<f8",
                        "version": 3}).encode() for i in range(4096)]
    shape, dims, result = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    into = ctypes.byref(shape), ctypes.byref(dims), ctypes.byref(result)
    predict, handle = lib.XGBoosterPredictFromDense, model.handle

    def call(i):
        predict(handle, rows[i], config, None, *into)
    call(7)
    assert abs(result[0] - model.inplace_predict(X[7:8])[0]) < 1e-6
    return call, (model, lib)


call, (kept, lib) = lightgbm_call()
version = (ctypes.c_int * 1)()
nothing = lib.LGBM_GetMaxThreads
print(f"an empty call: {micros(lambda i: nothing(version)):.2f} µs")
print(f"LightGBM: {micros(call):.2f} µs")
call, kept = xgboost_call()
print(f"XGBoost: {micros(call, 5_000):.2f} µs")
