"""Parquet files between pomona and pyarrow, pandas and DuckDB, in both directions."""
import itertools
import json
import subprocess

import duckdb
import numpy
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from table_samples import dump, expected_rows, same_numbers, table_tool  # noqa: F401 (fixtures)

WRITER_SIZES = [
    (0, []),
    (1, []),
    (100, []),
    (1000, ["page=200", "group=5000"]),
    (2000, ["page=3000", "dictionary=100"]),
    (2000, ["dictionary=1"]),
    (300, ["features=1280", "group=300000"]),
]


@pytest.fixture(params=list(itertools.product(["snappy", "zstd", "none"], ["legacy", "standard"])), ids="-".join)
def layout(request):
    codec, lists = request.param
    return [f"codec={codec}", f"lists={lists}"]


@pytest.mark.parametrize("rows,sizes", WRITER_SIZES, ids=lambda value: " ".join(value) if isinstance(value, list) else str(value))
def test_others_read_what_pomona_writes(table_tool, tmp_path, layout, rows, sizes):
    path = tmp_path / "pomona.parquet"
    table_tool("write", path, f"rows={rows}", *layout, *sizes)
    expected = expected_rows(rows, 1280 if "features=1280" in sizes else 8)
    assert pyarrow.parquet.read_table(path, page_checksum_verification=True).to_pylist() == expected
    assert duckdb.sql(f"select * from '{path}'").to_arrow_table().to_pylist() == expected
    frame = pandas.read_parquet(path)
    assert list(frame["path"]) == [row["path"] for row in expected]
    for cell, row in zip(frame["features"], expected):
        assert (cell is None) == (row["features"] is None)
        assert cell is None or list(cell) == row["features"]


def test_statistics_are_exact(table_tool, tmp_path):
    path = tmp_path / "pomona.parquet"
    table_tool("write", path, "rows=500", "group=20000")
    metadata = pyarrow.parquet.ParquetFile(path).metadata
    rows = expected_rows(500)
    start = 0
    assert metadata.num_row_groups > 3
    for group in range(metadata.num_row_groups):
        part = rows[start:start + metadata.row_group(group).num_rows]
        start += len(part)
        for column, name in enumerate(["path", "label"]):
            statistics = metadata.row_group(group).column(column).statistics
            texts = [row[name].encode() for row in part if row[name] is not None]
            assert (statistics.min.encode(), statistics.max.encode()) == (min(texts), max(texts))
            assert statistics.null_count == len(part) - len(texts)
        numbers = [row["number"] for row in part if row["number"] is not None]
        statistics = metadata.row_group(group).column(4).statistics
        assert (statistics.min, statistics.max) == (min(numbers), max(numbers))
    # A reader that skips row groups by their statistics must find every row.
    for row in (0, 250, 499):
        found = duckdb.execute(f"select number from '{path}' where path = ?", [rows[row]["path"]]).fetchall()
        assert found == [(rows[row]["number"],)]


def test_the_same_table_gives_the_same_bytes(table_tool, tmp_path, layout):
    for name in "ab":
        table_tool("write", tmp_path / name, "rows=3000", "group=100000", *layout)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_page_is_noticed_by_others(table_tool, tmp_path):
    path = tmp_path / "pomona.parquet"
    table_tool("write", path, "rows=100")
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        pyarrow.parquet.read_table(path, page_checksum_verification=True)


def sample_table(rows=1000, text=pyarrow.string(), listed=pyarrow.list_, element=pyarrow.float32()):
    """Nulls, empty lists, empty texts, infinities and NaN; the same columns as pomona's."""
    random = numpy.random.default_rng(7)
    features = [None if i % 17 == 16 else list(map(float, random.normal(size=0 if i % 19 == 18 else 5).astype("f4")))
                for i in range(rows)]
    for i in range(0, rows, 23):
        if features[i]:
            features[i][:3] = [float("nan"), float("inf"), -0.0]
    return pyarrow.table({
        "path": pyarrow.array([f"s3://bücket/{'x' * (i % 70)}/{i}.jpg" for i in range(rows)], text),
        "label": pyarrow.array([None if i % 6 == 5 else "" if i % 10 == 9 else f"class {i % 7}" for i in range(rows)], text),
        "features": pyarrow.array(features, listed(element)),
        "number": pyarrow.array([None if i % 4 == 3 else i * i * 1009 - 2**40 for i in range(rows)], pyarrow.int64()),
        "small": pyarrow.array([i % 300 - 150 for i in range(rows)], pyarrow.int32()),
        "tiny": pyarrow.array([i % 200 - 100 for i in range(rows)], pyarrow.int8()),
        "score": pyarrow.array([None if i % 5 == 4 else i / 3 for i in range(rows)], pyarrow.float64()),
        "half": pyarrow.array([i / 4 for i in range(rows)], pyarrow.float32()),
        "good": pyarrow.array([None if i % 3 == 2 else i % 7 < 3 for i in range(rows)], pyarrow.bool_()),
        "whole": pyarrow.array([[1, -2, i] if i % 2 else [] for i in range(rows)], listed(pyarrow.int32())),
    })


def assert_read_equal(dump, path, table):
    names = table.column_names
    rows = table.to_pylist()
    found = dump(path, *names)
    assert len(found) == len(rows)
    for cells, row in zip(found, rows):
        for name, cell in zip(names, cells):
            if name == "features" and cell is not None and row[name] is not None:
                assert same_numbers(cell, row[name])
            else:
                assert cell == row[name], name


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd"])
@pytest.mark.parametrize("page_version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False, ["label", "features"]], ids=["dictionary", "plain", "some"])
@pytest.mark.parametrize("pages", [{}, {"row_group_size": 77}, {"data_page_size": 64, "write_batch_size": 5}],
                         ids=["whole", "groups", "pages"])
def test_pomona_reads_arrow(dump, tmp_path, codec, page_version, dictionary, pages):
    path = tmp_path / "arrow.parquet"
    table = sample_table()
    pyarrow.parquet.write_table(table, path, compression=codec, data_page_version=page_version,
                                use_dictionary=dictionary, write_page_checksum=page_version == "1.0", **pages)
    assert_read_equal(dump, path, table)


@pytest.mark.parametrize("page_version", ["1.0", "2.0"])
@pytest.mark.parametrize("rows", [1, 31, 32, 33, 129, 1000])
def test_pomona_reads_the_newer_encodings(dump, tmp_path, page_version, rows):
    table = sample_table(rows)
    path = tmp_path / "arrow.parquet"
    encodings = {"path": "DELTA_BYTE_ARRAY", "label": "DELTA_LENGTH_BYTE_ARRAY", "number": "DELTA_BINARY_PACKED",
                 "small": "DELTA_BINARY_PACKED", "tiny": "BYTE_STREAM_SPLIT", "score": "BYTE_STREAM_SPLIT",
                 "half": "BYTE_STREAM_SPLIT", "features.list.element": "BYTE_STREAM_SPLIT",
                 "whole.list.element": "DELTA_BINARY_PACKED", "good": "RLE"}
    pyarrow.parquet.write_table(table, path, use_dictionary=False, column_encoding=encodings,
                                data_page_version=page_version, data_page_size=500)
    assert_read_equal(dump, path, table)


@pytest.mark.parametrize("options", [
    {"text": pyarrow.large_string()}, {"text": pyarrow.string_view()}, {"listed": pyarrow.large_list},
    {"element": pyarrow.float64()}, {"text": pyarrow.binary()},
], ids=str)
def test_pomona_reads_arrow_types(dump, tmp_path, options):
    table = sample_table(100, **options)
    path = tmp_path / "arrow.parquet"
    pyarrow.parquet.write_table(table, path)
    assert_read_equal(dump, path, sample_table(100, element=options.get("element", pyarrow.float32())))


def test_pomona_reads_lists_without_nulls(dump, tmp_path):
    fields = [pyarrow.field("path", pyarrow.string(), nullable=False),
              pyarrow.field("features", pyarrow.list_(pyarrow.field("item", pyarrow.float32(), nullable=False)), nullable=False),
              pyarrow.field("fixed", pyarrow.list_(pyarrow.float64(), 3))]
    rows = [{"path": str(i), "features": [float(i)] * (i % 4), "fixed": [1.0, 2.0, i]} for i in range(50)]
    table = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(fields))
    for compliant in (True, False):
        pyarrow.parquet.write_table(table, tmp_path / "t", use_compliant_nested_type=compliant)
        assert dump(tmp_path / "t", "path", "features", "fixed") == [list(row.values()) for row in rows]


def test_a_null_in_a_list_names_the_row(table_tool, tmp_path):
    table = pyarrow.table({"features": pyarrow.array([[1.0], None, [], [2.0, None]], pyarrow.list_(pyarrow.float32()))})
    pyarrow.parquet.write_table(table, tmp_path / "t")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        table_tool("dump", tmp_path / "t", "features")
    assert raised.value.stdout == "[[1]]\n[null]\n[[]]\n"
    assert "column features: row 3 has a null inside its list" in raised.value.stderr


def test_columns_that_cannot_be_read_say_so(table_tool, tmp_path):
    table = pyarrow.table({
        "when": pyarrow.array([1], pyarrow.timestamp("us")), "money": pyarrow.array([1], pyarrow.decimal128(9, 2)),
        "names": pyarrow.array([["a"]]), "nested": pyarrow.array([[[1.0]]]), "fixed": pyarrow.array([b"abc"], pyarrow.binary(3)),
        "map": pyarrow.array([[("a", 1.0)]], pyarrow.map_(pyarrow.string(), pyarrow.float64())),
        "struct": pyarrow.array([{"a": 1, "b": {"c": "x"}}]), "unsigned": pyarrow.array([2**64 - 1], pyarrow.uint64()),
    })
    path = tmp_path / "t"
    pyarrow.parquet.write_table(table, path)
    kinds = dict(line.split() for line in table_tool("dump", path).splitlines())
    other = "9"
    assert {name for name, kind in kinds.items() if kind == other} >= {"money", "names", "nested.element", "fixed", "unsigned"}
    assert json.loads(table_tool("dump", path, "struct.a", "struct.b.c")) == [1, "x"]
    with pytest.raises(subprocess.CalledProcessError) as raised:
        table_tool("dump", path, "names")
    assert "column names: columns of its type can't be read" in raised.value.stderr
    pyarrow.parquet.write_table(table.select(["struct"]), path, compression="brotli")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        table_tool("dump", path, "struct.a")
    assert "codec 4" in raised.value.stderr


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "zstd"])
@pytest.mark.parametrize("version", ["V1", "V2"])
@pytest.mark.parametrize("rows,groups", [(0, 2048), (1, 2048), (6000, 2048), (6000, 122880)])
def test_pomona_reads_duckdb(dump, tmp_path, codec, version, rows, groups):
    path = tmp_path / "duck.parquet"
    table = sample_table(max(rows, 1)).slice(0, rows)
    connection = duckdb.connect()
    connection.register("sample", table)
    connection.execute(f"copy sample to '{path}' (format parquet, compression '{codec}', parquet_version '{version}', "
                       f"row_group_size {groups})")
    assert_read_equal(dump, path, table)


def test_pomona_reads_pandas(dump, tmp_path):
    """(pandas makes a null of a NaN inside a list, so there is none here.)"""
    names = ["path", "label", "features", "score"]
    rows = [{name: row[name] for name in names} for row in expected_rows(200)]
    pandas.DataFrame(rows).to_parquet(tmp_path / "t", index=False)
    assert dump(tmp_path / "t", *names) == [list(row.values()) for row in rows]


def test_pomona_reads_the_reference(table_tool, shared):
    expected = shared / "data/expected"
    for folder, file in [(expected / "val_features.parquet",) * 2, (expected / "spark_part", next((expected / "spark_part").glob("*.parquet")))]:
        lines = table_tool("features", folder).splitlines()
        table = pyarrow.parquet.read_table(file)
        info = json.loads(lines[0])
        assert info == {"rows": table.num_rows, "features": 1280, "parts": 1, "doubles": 0, "labelled": 1}
        assert [json.loads(line) for line in lines[1:]] == [
            [row["path"], row["label"], row["features"]] for row in table.to_pylist()]
    scores = pyarrow.parquet.read_table(expected / "val_pca50.parquet").to_pylist()
    found = [json.loads(line) for line in table_tool("dump", expected / "val_pca50.parquet", "path", "pca").splitlines()]
    assert found == [[row["path"], row["pca"]] for row in scores]


def test_the_schema_is_that_of_spark(table_tool, tmp_path, shared):
    """Node by node, with the footer's keys: a copy of Spark's own part through pomona."""
    spark = next((shared / "data/expected/spark_part").glob("*.parquet"))
    copy = tmp_path / "copy.parquet"
    table_tool("copy", spark, copy)
    ours, theirs = (pyarrow.parquet.ParquetFile(path) for path in (copy, spark))
    assert str(ours.schema).split("\n", 1)[1] == str(theirs.schema).split("\n", 1)[1]  # the first line has an address
    assert ours.metadata.metadata == theirs.metadata.metadata
    assert ours.metadata.format_version == theirs.metadata.format_version
    assert ours.read().equals(theirs.read())
    for column in range(3):
        a, b = (file.metadata.row_group(0).column(column) for file in (ours, theirs))
        assert (a.path_in_schema, a.physical_type, a.compression) == (b.path_in_schema, b.physical_type, b.compression)
        assert a.num_values == b.num_values
        assert set(a.encodings) <= set(b.encodings)


def test_a_folder_of_parts(table_tool, tmp_path):
    table = sample_table(90).select(["path", "label"]).append_column("features", [[[float(i), 1.0] for i in range(90)]])
    for part in range(9):
        pyarrow.parquet.write_table(table.slice(part * 10, 10), tmp_path / f"part-{part:05}.parquet")
    pyarrow.parquet.write_table(table.slice(0, 0), tmp_path / "part-00009.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_metadata.parquet").touch()
    (tmp_path / ".part-00000.parquet.crc").touch()
    (tmp_path / "run.json").write_text("{}")
    lines = table_tool("features", tmp_path).splitlines()
    assert json.loads(lines[0])["parts"] == 10
    assert [json.loads(line)[0] for line in lines[1:]] == table["path"].to_pylist()

    pyarrow.parquet.write_table(table.slice(0, 1).set_column(2, "features", [[[1.0]]]), tmp_path / "part-5.parquet")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        table_tool("features", tmp_path)
    assert "part-5.parquet: row 0 has 1 features, the first row of the table 2" in raised.value.stderr
    pyarrow.parquet.write_table(table.replace_schema_metadata({"pomona.feature_space": "x"}), tmp_path / "part-5.parquet")
    with pytest.raises(subprocess.CalledProcessError) as raised:
        table_tool("features", tmp_path)
    assert "part-5.parquet: is of another feature space (x)" in raised.value.stderr
