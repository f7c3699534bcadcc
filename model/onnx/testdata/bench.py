"""Gives texts/s of ONNX Runtime's own Python module on what BenchmarkText measures.

ORRERY_ONNX_WRITE=DIR go test -run TestWriteMeasured ./model/onnx
python3 -m pip install onnxruntime numpy
python3 model/onnx/testdata/bench.py DIR

The rows are the means over tokens that the mask keeps, and tokenization is not in it.
"""

import json
import sys
import threading
import time

import numpy
import onnxruntime

folder = sys.argv[1]
texts = json.load(open(folder + "/tokens.json"))


def session(kind):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(folder + "/" + kind + ".onnx", options, providers=["CPUExecutionProvider"])


def rows(s, batch):
    longest = max(len(text) for text in batch)
    ids = numpy.zeros((len(batch), longest), dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    for i, text in enumerate(batch):
        ids[i, : len(text)] = text
        mask[i, : len(text)] = 1
    states = s.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    kept = mask[:, :, None].astype(numpy.float32)
    return (states * kept).sum(axis=1) / kept.sum(axis=1)


def measure(name, threads, batches, s):
    """Runs all batches, as often as takes two seconds."""
    done = 0
    begun, spent = time.perf_counter(), time.process_time()
    while time.perf_counter() < begun + 2:
        left = list(reversed(batches))

        def work():
            while True:
                try:
                    batch = left.pop()
                except IndexError:
                    return
                rows(s, batch)

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        done += len(texts)
    took, spent = time.perf_counter() - begun, time.process_time() - spent
    print(name, round(done / took), "texts/s", round(spent / done * 1e6), "cpu-µs/text")


ordered = sorted(texts, key=len)
for kind in ["float", "int8"]:
    s = session(kind)
    measure(kind + "/one", 1, [[text] for text in texts], s)
    measure(kind + "/callers=2/batch=1", 2, [[text] for text in texts], s)
    for size in [4, 16, 64]:
        measure("%s/together/batch=%d" % (kind, size), 2, [ordered[i : i + size] for i in range(0, len(ordered), size)], s)
