"""Gives tokens/s of the reference library on one core: see BenchmarkEncode."""

import gzip
import json
import os
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer

here = os.path.dirname(os.path.abspath(__file__))
texts = json.loads(gzip.open(os.path.join(here, "cases.json.gz")).read())["texts"][15:45]
for name in ["bert", "roberta", "cl100k", "llama", "xlm_roberta", "unigram_whole"]:
    t = Tokenizer.from_file(os.path.join(here, name + ".json"))
    t.no_padding()
    tokens, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + 1:
        tokens += sum(len(e.ids) for e in t.encode_batch(texts))
    print(name, round(tokens / (time.perf_counter() - begun)), "tokens/s")
