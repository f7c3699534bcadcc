"""Makes the files beside it, the same rows by four writers: python make.py
(pyarrow 26.0.1, polars 2.1.0, duckdb 2.0.1, fastparquet 2026.9.0, pandas 3.1.1)."""
import json
import random

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

rows, draw = range(200), random.Random(1)
# Runs of all lengths, numbers far apart, texts of which some are missing.
table = pa.table({
    "ok": pa.array([i * i // 37 % 3 == 0 for i in rows], pa.bool_()),
    "maybe": pa.array([None if i % 11 == 5 else i // 13 % 2 == 0 for i in rows], pa.bool_()),
    "near": pa.array([i - 100 for i in rows], pa.int32()),
    "far": pa.array([draw.randrange(-2**31, 2**31) for i in rows], pa.int32()),
    "farther": pa.array([draw.randrange(-2**63, 2**63) for i in rows], pa.int64()),
    "text": pa.array([None if i % 7 == 3 else "é" * (i % 5) + str(i) for i in rows], pa.string()),
    "ratio": pa.array([i / 7 for i in rows], pa.float64()),
})
with open("rows.json", "w") as f:
    json.dump({name: table.column(name).to_pylist() for name in table.column_names}, f)
    f.write("\n")
pq.write_table(table, "pyarrow.parquet", data_page_version="2.0", use_dictionary=False, column_encoding={
    "ok": "RLE", "maybe": "RLE", "near": "DELTA_BINARY_PACKED", "far": "DELTA_BINARY_PACKED", "farther": "DELTA_BINARY_PACKED",
    "text": "DELTA_BYTE_ARRAY", "ratio": "BYTE_STREAM_SPLIT"}, row_group_size=70)
polars.from_arrow(table).write_parquet("polars.parquet")
duckdb.register("rows", table)
duckdb.sql("copy rows to 'duckdb.parquet' (format parquet, parquet_version v2, compression uncompressed)")
table.to_pandas().to_parquet("fastparquet.parquet", engine="fastparquet", index=False, compression="zstd")
