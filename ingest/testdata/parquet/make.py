"""Makes the Parquet files beside it, and the same rows as CSV: python make.py (pyarrow 26.0.1)."""
import csv
import datetime as dt
import random
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

UTC = dt.timezone.utc
NAMES = ["id", "at", "who", "note", "count", "price", "free", "ratio", "wide", "big", "ok", "seen"]


def row(r, i):
    maybe = lambda value: None if r.random() < 0.2 else value
    at = dt.datetime(2018, 4, 1, tzinfo=UTC) + dt.timedelta(milliseconds=1500 * i)
    return {
        "id": i, "at": at, "who": maybe(str(r.randrange(50))), "note": maybe(r.choice(["", "é😀", "two\nlines", 'say "hi"', "a,b", "x" * 30])) or None,
        "count": maybe(r.randrange(-6, 7)), "price": maybe(Decimal(r.randrange(-500, 100_500)).scaleb(-2)),
        "free": maybe(Decimal(r.randrange(-10**9, 10**9)).scaleb(-3)), "ratio": maybe(r.uniform(-1.1, 1.1)),
        "wide": maybe(r.choice([0.0, 1e300, -5e-324, 0.1, 123456.789])), "big": maybe(r.randrange(-2**63, 2**63)),
        "ok": maybe(r.random() < 0.5), "seen": maybe(dt.datetime(1, 1, 1, tzinfo=UTC) + dt.timedelta(milliseconds=r.randrange(10**14))),
    }


def instant(t):
    return t.strftime("%Y").rjust(4, "0") + t.strftime("-%m-%dT%H:%M:%S.%fZ")


def write_csv(path, rows):
    with open(path, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(NAMES)
        for x in rows:
            cells = []
            for name in NAMES:
                v = x[name]
                cells.append("" if v is None else instant(v) if isinstance(v, dt.datetime) else str(v).lower() if isinstance(v, bool)
                             else format(v, "f") if isinstance(v, Decimal) else repr(v) if isinstance(v, float) else v)
            w.writerow(cells)


def schema(unit="us", price=None, **other):
    ts = pa.timestamp(unit, "UTC")
    types = {"id": pa.int64(), "at": ts, "who": pa.string(), "note": pa.string(), "count": pa.int32(), "price": price or pa.decimal128(7, 2),
             "free": pa.decimal128(12, 3), "ratio": pa.float64(), "wide": pa.float64(), "big": pa.int64(), "ok": pa.bool_(), "seen": pa.timestamp("us" if unit == "ns" else unit, "UTC")}
    types.update(other)
    return pa.schema([pa.field(n, types[n], nullable=n not in ("id", "at")) for n in NAMES])


def write(path, rows, shape, **options):
    def cast(name, v):
        if v is not None and pa.types.is_string(shape.field(name).type):
            return format(v, "f") if isinstance(v, Decimal) else instant(v) if isinstance(v, dt.datetime) else str(v)
        if v is not None and pa.types.is_floating(shape.field(name).type):
            return float(v)
        return v
    arrays = [pa.array([cast(n, x[n]) for x in rows], shape.field(n).type) for n in NAMES]
    pq.write_table(pa.Table.from_arrays(arrays, schema=shape), path, **options)


rows = [row(random.Random(i), i) for i in range(60)]
write_csv("rows.csv", rows)
write("plain.parquet", rows, schema(), compression="none", use_dictionary=False, row_group_size=7)
write("snappy.parquet", rows, schema("ms"), compression="snappy")
write("zstd.parquet", rows, schema("ns"), compression="zstd", data_page_version="2.0", data_page_size=100)
write("gzip.parquet", rows, schema(price=pa.decimal128(38, 2), big=pa.decimal128(19, 0), id=pa.int32()), compression="gzip", row_group_size=25)
write("brotli.parquet", rows, schema(price=pa.float64(), free=pa.string(), count=pa.int8(), id=pa.uint64()), compression="brotli")
write("integer.parquet", rows, schema(), compression="snappy", store_decimal_as_integer=True, version="1.0")
write("delta.parquet", rows, schema(who=pa.large_string()), compression="snappy", use_dictionary=False, write_page_checksum=True,
      column_encoding={"id": "DELTA_BINARY_PACKED", "who": "DELTA_BYTE_ARRAY", "note": "DELTA_LENGTH_BYTE_ARRAY", "ratio": "BYTE_STREAM_SPLIT"})
write("int96.parquet", rows, schema(seen=pa.string()), use_deprecated_int96_timestamps=True)
