"""pomona.Reader and ps.read: what is in a bucket is what is read, in order, faults or not; what can't be read is a row or a sentence."""
import csv
import os
import pathlib
import pickle
import subprocess
import sys

import pytest

from spark_fixtures import local_session

wheel = pytest.importorskip("pomona", reason="the wheel is not installed")
pytest.importorskip("pomona._store", reason="the wheel was built without its reader (-Dwheel_reader=enabled)")


def as_user_of(server, home, patch):
    """This process uses the server; the variables that say so."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    made = {name: value for name, value in server.environment(home).items() if name.startswith("AWS_") and name != "AWS_ENDPOINT_URL"}
    for name, value in made.items():
        patch.setenv(name, value)
    return made


@pytest.fixture
def reader(s3_server, tmp_path, monkeypatch):
    as_user_of(s3_server, tmp_path, monkeypatch)
    return wheel.Reader(endpoint_url=s3_server.url)


def put(s3, bucket, count, size=4096):
    """Photos that are none: {path: bytes}."""
    made = {}
    for i in range(count):
        key = f"photos/{'apple' if i % 3 else 'pear'}/{i:03}.jpg"
        data = bytes((i * 7 + j) % 251 for j in range(size + i))
        s3.put_object(Bucket=bucket, Key=key, Body=data)
        made[f"s3://{bucket}/{key}"] = data
    return made


def test_import_loads_no_network():
    code = "import pomona, sys; sys.exit(any('libcurl' in line for line in open('/proc/self/maps')) or 'pomona._store' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_folder(tmp_path):
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(bytes([i]) * i)
    (tmp_path / "5.png").write_bytes(b"other")
    local = wheel.Reader()
    listed = local.list(tmp_path)
    assert [photo.path for photo in listed] == [f"file:{tmp_path}/{i}.jpg" for i in range(5)]
    assert [(photo.label, photo.size) for photo in listed] == [(tmp_path.name, i) for i in range(5)]
    assert [(data, error) for _, data, error in local.read(listed)] == [(bytes([i]) * i, None) for i in range(5)]
    found = list(local.read([tmp_path / "1.jpg", tmp_path / "gone.jpg", f"file://{tmp_path}/2.jpg"]))
    assert [data for _, data, _ in found] == [b"\1", None, b"\2\2"] and "gone.jpg: " in found[1][2]
    with pytest.raises(wheel.InputError, match="nowhere"):
        local.list(tmp_path / "nowhere")
    assert list(pickle.loads(pickle.dumps(local)).read([])) == []


def test_bad_options():
    with pytest.raises(wheel.UsageError, match="requests: 257"):
        wheel.Reader(requests=257)
    with pytest.raises(wheel.UsageError, match="addressing: 'sideways'"):
        wheel.Reader(addressing="sideways")
    with pytest.raises(ValueError):
        list(wheel.Reader().read(["a\0b"]))
    with pytest.raises((TypeError, ValueError)):
        list(wheel.Reader().read([("a.jpg", -1)]))


def test_bucket(reader, s3, bucket):
    made = put(s3, bucket, 70)
    s3.put_object(Bucket=bucket, Key="photos/readme.txt", Body=b"no photo")
    listed = reader.list(f"s3://{bucket}/photos/")
    assert [photo.path for photo in listed] == sorted(made)
    assert all(photo.size == len(made[photo.path]) and photo.label == photo.path.split("/")[-2] for photo in listed)
    for ahead in (1, 10_000, 64 << 20):
        assert list(reader.read(listed, ahead_bytes=ahead)) == [(path, made[path], None) for path in sorted(made)]
    backwards = sorted(made, reverse=True)
    assert list(reader.read(backwards)) == [(path, made[path], None) for path in backwards]
    given_up = reader.read(listed)
    assert next(given_up)[1] == made[listed[0].path]
    del given_up  # what is under way is dropped


def test_what_cannot_be_read(reader, s3, bucket):
    made = put(s3, bucket, 3)
    first, *others = sorted(made)
    found = list(reader.read([first, f"s3://{bucket}/gone.jpg", f"s3://{bucket}", f"s3://{bucket}/", *others]))
    assert [data for _, data, _ in found] == [made[first], None, None, None, *(made[path] for path in others)]
    assert found[1][2].startswith(f"s3://{bucket}/gone.jpg: ") and "names no object" in found[2][2] and "names no object" in found[3][2]
    with pytest.raises(wheel.InputError, match="no-such-bucket"):
        list(reader.read(["s3://no-such-bucket/1.jpg"]))
    with pytest.raises(wheel.InputError, match="empty/prefix"):
        reader.list(f"s3://{bucket}/empty/prefix/")
    assert reader.list(f"s3://{bucket}/photos", "*.tiff") == []


def test_no_credentials(s3_server, bucket, tmp_path, monkeypatch):
    as_user_of(s3_server, tmp_path, monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    reader = wheel.Reader(endpoint_url=s3_server.url)
    with pytest.raises(wheel.PomonaError, match="credentials"):
        list(reader.read([f"s3://{bucket}/1.jpg"]))
    with pytest.raises(wheel.PomonaError, match="credentials"):
        reader.list(f"s3://{bucket}/")


def test_faults_change_nothing(reader, s3, bucket, proxied):
    made = put(s3, bucket, 60, size=20_000)
    proxy = proxied("match GET */photos/* rate 0.1 -> status 503 SlowDown\nmatch GET */photos/* rate 0.1 seed 2 -> cut 3000\n")
    through = wheel.Reader(endpoint_url=proxy.url)
    assert list(through.read(sorted(made))) == [(path, made[path], None) for path in sorted(made)]
    assert sum(proxy.report()["faults"].values()) >= 4


def test_packed_prefix(reader, s3, s3_server, bucket, photos, pomona, tmp_path):
    pomona("pack", photos, "--out", f"s3://{bucket}/packed", env=s3_server.environment(tmp_path))
    listed = reader.list(f"s3://{bucket}/packed")
    expected = {path.relative_to(photos).as_posix(): path.read_bytes() for path in photos.rglob("*.jpg")}
    found = {path.removeprefix(f"s3://{bucket}/packed/"): data for path, data, _ in reader.read(listed)}
    assert found == expected


def test_a_reason_stands_for_the_photo(photos):
    pa = pytest.importorskip("pyarrow")
    good = next(photos.rglob("*.jpg")).read_bytes()
    batch = pa.record_batch({"path": ["s3://b/f/1.jpg", "s3://b/f/2.jpg", "s3://b/f/3.jpg", "s3://b/f/4.jpg"],
                             "content": [good, None, good, None],
                             "error": pa.array([None, "s3://b/f/2.jpg: 404 NoSuchKey", "x" * 9000, None], pa.string())})
    done = pa.record_batch(wheel.Model().features_arrow(batch)).to_pydict()
    assert [x is None for x in done["features"]] == [False, True, True, True] and done["label"] == ["f"] * 4
    first, second, third, fourth = done["error"]
    assert (first, second) == (None, "s3://b/f/2.jpg: 404 NoSuchKey") and third == "x" * len(third) and len(third) > 500
    assert fourth == "s3://b/f/4.jpg: the content is null"
    with pytest.raises(wheel.InputError, match="error"):
        wheel.Model().features_arrow(pa.record_batch({"content": [good], "error": [1]}))


# Spark


@pytest.fixture(scope="module")
def spark(s3_server, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        user = as_user_of(s3_server, tmp_path_factory.mktemp("home"), patch)
        settings = {f"spark.executorEnv.{name}": value for name, value in user.items()}
        with local_session({"spark.task.maxFailures": "1", **settings}) as session:
            session.sparkContext.setLogLevel("OFF")
            yield session


@pytest.fixture
def corpus(photos, s3, bucket):
    """The synthetic photos and one that is none, in the bucket: its URI."""
    for path in sorted(pathlib.Path(photos).rglob("*.jpg")):
        s3.upload_file(str(path), bucket, f"photos/{path.relative_to(photos)}")
    s3.put_object(Bucket=bucket, Key="photos/bad.jpg", Body=b"no photo")
    return f"s3://{bucket}/photos"


def test_spark_features_are_those_of_the_command_line(spark, corpus, s3_server, pomona, tmp_path):
    import pyarrow.parquet
    import pomona.spark as ps

    photos = ps.read(spark, corpus, endpoint_url=s3_server.url)
    assert photos.columns == ["path", "label", "length", "content", "error"]
    assert ps._features.photo_rows(photos, 16 << 20) > 16  # by the mean size
    table = ps.features(photos)
    found = {row.path: row for row in table.collect()}
    table.unpersist()
    pomona("features", corpus, "--out", tmp_path / "out", "-q", "--max-errors", "1", env=s3_server.environment(tmp_path))
    expected = {row["path"]: row for row in pyarrow.parquet.read_table(tmp_path / "out/Results").to_pylist()}
    assert len(expected) == 120 and found.keys() == expected.keys() | {f"{corpus}/bad.jpg"}
    assert all(found[path].features == row["features"] and found[path].label == row["label"] for path, row in expected.items())
    assert "not a JPEG" in found[f"{corpus}/bad.jpg"].error


def test_spark_manifest(spark, corpus, photos, s3_server, tmp_path):
    import pomona.spark as ps

    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.jpg"))[:5]
    with open(tmp_path / "list.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "label"])
        rows.writerows([[name, "mine"] for name in names] + [[f"{corpus}/gone.jpg", ""]])
    made = ps.read(spark, corpus, f"file:{tmp_path}/list.csv", endpoint_url=s3_server.url, partitions=2)
    assert made.rdd.getNumPartitions() == 2
    found = {row.path: row for row in made.collect()}
    assert {path: row.content for path, row in found.items()} == {
        **{f"{corpus}/{name}": (photos / name).read_bytes() for name in names}, f"{corpus}/gone.jpg": None}
    gone = found[f"{corpus}/gone.jpg"]
    assert gone.error.startswith(f"{corpus}/gone.jpg: ") and found[f"{corpus}/{names[0]}"].label == "mine"
    features = ps.features(made, keep=False).where("features is null").collect()
    assert [(row.path, row.error) for row in features] == [(gone.path, gone.error)]
    spark.createDataFrame([("a",)], "name string").write.parquet(f"file:{tmp_path}/other")
    with pytest.raises(wheel.InputError, match="no column path, uri or key; it has: name"):
        ps.read(spark, corpus, f"file:{tmp_path}/other")


def test_spark_folder(spark, photos):
    import pomona.spark as ps

    found = ps.read(spark, str(photos), partitions=7).collect()
    assert [row.path for row in found] == sorted(f"file:{path}" for path in photos.rglob("*.jpg"))
    assert all(row.content == pathlib.Path(row.path[5:]).read_bytes() and row.length == len(row.content) and row.error is None
               for row in found)


def test_spark_sentences(spark, s3, bucket, s3_server, tmp_path):
    import pomona.spark as ps

    with pytest.raises(wheel.InputError, match="empty"):
        ps.read(spark, f"s3://{bucket}/empty/", endpoint_url=s3_server.url)
    s3.put_object(Bucket=bucket, Key="a/1.txt", Body=b"x")
    with pytest.raises(wheel.InputError, match=r"no photo matches '\*.jpg'"):
        ps.read(spark, f"s3a://{bucket}/a", endpoint_url=s3_server.url)
    (tmp_path / "list.csv").write_text("path\ns3://no-such-bucket/1.jpg\n")
    with pytest.raises(Exception, match="InputError: .*no-such-bucket"):
        ps.read(spark, f"s3://{bucket}", f"file:{tmp_path}/list.csv", endpoint_url=s3_server.url).collect()


def test_deal():
    pytest.importorskip("pyspark", reason="no PySpark")
    from pomona.spark._read import _deal

    for sizes in ([1] * 100, [0] * 100, [10 << 20] + [1] * 99, [1] * 99 + [1 << 40], [5]):
        photos = [(str(i), "", size, None, None) for i, size in enumerate(sizes)]
        for tasks in (1, 3, 16, 1000):
            runs = _deal(photos, tasks)
            assert [photo for run in runs for photo in run] == photos and 0 < len(runs) <= tasks and all(runs)
    assert [len(run) for run in _deal([(str(i), "", 9, None, None) for i in range(100)], 4)] == [25] * 4
