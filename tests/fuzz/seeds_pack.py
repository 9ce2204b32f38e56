"""Writes small indices of packed folders and headers of tar members to a folder, to start fuzz_pack from.

usage: seeds_pack.py FOLDER      (needs pyarrow)
"""
import pathlib
import sys
import tarfile

import pyarrow
import pyarrow.parquet

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
shards = ["shard-00000-0123456789abcdef.tar", "shard-00001-fedcba9876543210.tar"]
paths = ["_hidden/a.jpg", "a/1.jpg", "a/2.png", "a/b/3.jpg", "pear/é.jpg", "z.jpg"]
rows = {"path": paths, "shard": [shards[i // 3] for i in range(6)], "offset": [512, 1536, 2560] * 2, "size": [10, 0, 513] * 2,
        "modified": [0, -1, 1600000000] * 2, "sha256": [f"{i:064x}" for i in range(6)]}
changes = {"good": {}, "beyond": {"size": [10, 0, 1 << 40] * 2}, "overlap": {"offset": [512] * 6}, "unsorted": {"path": paths[::-1]},
           "above": {"path": ["../a", *paths[1:]]}, "shard": {"shard": ["../x"] * 6}, "empty": {name: [] for name in rows},
           "null": {"offset": [None, 1536, 2560] * 2}}
for name, change in changes.items():
    columns = {**rows, **change}
    if not columns["path"]:
        columns = {key: pyarrow.array([], pyarrow.int64() if key in ("offset", "size", "modified") else pyarrow.string()) for key in rows}
    table = pyarrow.table(columns).replace_schema_metadata({"pomona.pack": "1"})
    for kind, options in {"plain": {"use_dictionary": False, "compression": "none"}, "snappy": {}}.items():
        pyarrow.parquet.write_table(table, folder / f"{name}-{kind}.parquet", store_schema=False, row_group_size=4, **options)
for number, name in enumerate(["a/1.jpg", "é.jpg", "d/" * 60 + "1.jpg", "n" * 200]):
    member = tarfile.TarInfo(name)
    member.size = 1 << 34 if number == 0 else 5
    (folder / f"header{number}").write_bytes(member.tobuf(tarfile.PAX_FORMAT))
