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
seconds = 2


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
    done = [0] * threads
    end = time.perf_counter() + seconds
    begun, spent = time.perf_counter(), time.process_time()

    def work(mine):
        at = mine
        while time.perf_counter() < end:
            rows(s, batches[at % len(batches)])
            done[mine] += len(batches[at % len(batches)])
            at += threads

    workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    took, spent = time.perf_counter() - begun, time.process_time() - spent
    print(name, round(sum(done) / took), "texts/s", round(spent / sum(done) * 1e6), "cpu-µs/text")


ordered = sorted(texts, key=len)
for kind in ["float", "int8"]:
    s = session(kind)
    measure(kind + "/one", 1, [[text] for text in texts], s)
    measure(kind + "/callers=2/batch=1", 2, [[text] for text in texts], s)
    for size in [4, 16, 64]:
        measure("%s/together/batch=%d" % (kind, size), 2, [ordered[i : i + size] for i in range(0, len(ordered), size)], s)
