"""Writes small Parquet files of every kind to a folder, to start fuzz_parquet from.

usage: seeds_parquet.py FOLDER      (needs pyarrow)
"""
import itertools
import pathlib
import sys

import pyarrow
import pyarrow.parquet

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rows = 12
table = pyarrow.table({
    "path": [f"a/{i}" for i in range(rows)],
    "label": [None if i % 4 == 3 else f"c{i % 3}" for i in range(rows)],
    "features": pyarrow.array([None if i % 5 == 4 else [i / 2] * (i % 4) for i in range(rows)], pyarrow.list_(pyarrow.float32())),
    "number": pyarrow.array([i * i - 9 for i in range(rows)], pyarrow.int64()),
    "small": pyarrow.array(range(rows), pyarrow.int32()),
    "good": [i % 3 == 0 for i in range(rows)],
})
delta = {"path": "DELTA_BYTE_ARRAY", "label": "DELTA_LENGTH_BYTE_ARRAY", "features.list.element": "BYTE_STREAM_SPLIT",
         "number": "DELTA_BINARY_PACKED", "small": "BYTE_STREAM_SPLIT", "good": "RLE"}
kinds = {"plain": {"use_dictionary": False}, "dictionary": {}, "delta": {"use_dictionary": False, "column_encoding": delta}}
for (kind, options), version, codec in itertools.product(kinds.items(), ("1.0", "2.0"), ("none", "snappy", "gzip", "zstd")):
    for name in table.column_names:
        encodings = options.get("column_encoding")
        chosen = {**options, "column_encoding": {k: v for k, v in encodings.items() if k.split(".")[0] == name}} if encodings else options
        pyarrow.parquet.write_table(table.select([name]), folder / f"{name}-{kind}-{version}-{codec}.parquet", compression=codec,
                                    data_page_version=version, store_schema=False, write_statistics=False, data_page_size=40,
                                    write_batch_size=4, row_group_size=8, **chosen)
