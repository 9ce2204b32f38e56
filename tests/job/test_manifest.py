"""--manifest: lists of photos as CSV, Parquet and S3 Inventory."""
import gzip
import json
import shutil
import urllib.parse

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from test_features import parts, rows


@pytest.fixture(scope="module")
def listed(pomona, photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("listed") / "out"
    pomona("features", photos, "--out", out, "-q", "--partitions", "3")
    return out


def names(photos):
    return sorted(str(path.relative_to(photos)) for path in photos.rglob("*.jpg"))


def run(pomona, photos, manifest, out, *options, status=0):
    return pomona("features", photos, "--out", out, "--manifest", manifest, "--partitions", "3", *options, status=status)


def planned(pomona, source, manifest, out, *options):
    """The counts of a job that is not run: S3 is not there."""
    return json.loads(pomona("features", source, "--out", out, "--manifest", manifest, "--dry-run", "--json", *options).stdout)["counts"]


@pytest.mark.parametrize("column", ["path", "uri", "key"])
def test_a_list_of_everything_is_the_same_job(pomona, photos, listed, tmp_path, column):
    lines = {"path": names(photos)[::-1], "uri": [f"file:{photos}/{name}" for name in names(photos)],
             "key": [f"{photos}/{name}" if number % 2 else f"file://{photos}/{name}" for number, name in enumerate(names(photos))]}
    (tmp_path / "m.csv").write_text(f"x,{column}\r\n" + "".join(f"1,{line}\r\n" for line in lines[column]))
    run(pomona, photos, tmp_path / "m.csv", tmp_path / "o", "-q")
    assert parts(tmp_path / "o") == parts(listed)


def test_gzip_and_parquet(pomona, photos, listed, tmp_path):
    (tmp_path / "m.csv.gz").write_bytes(gzip.compress(("path\n" + "\n".join(names(photos)) + "\n").encode()))
    run(pomona, photos, tmp_path / "m.csv.gz", tmp_path / "a", "-q")
    pd.DataFrame({"n": 1, "path": names(photos)}).to_parquet(tmp_path / "m.parquet")
    run(pomona, photos, tmp_path / "m.parquet", tmp_path / "b", "-q")
    assert parts(tmp_path / "a") == parts(tmp_path / "b") == parts(listed)


def test_more_text_than_one_piece(pomona, photos, listed, tmp_path):
    filler = "x" * 900
    text = "path,\"a \"\"comment\"\"\nin two lines\"\n" + "".join(f"{name},\"{filler}\n,{filler}\"\r\n" for name in names(photos) * 5)
    (tmp_path / "m.csv").write_text(text, newline="")
    done = run(pomona, photos, tmp_path / "m.csv", tmp_path / "o")
    assert len(text) > 1_000_000 and "480 rows of the manifest name a photo again" in done.stdout
    assert parts(tmp_path / "o") == parts(listed)


def test_labels_skipped_and_order(pomona, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "p")
    some = names(photos)[:4]
    (tmp_path / "p/_hidden").mkdir()
    shutil.copy(tmp_path / "p" / some[0], tmp_path / "p/_hidden/a.jpg")
    shutil.copy(tmp_path / "p" / some[0], tmp_path / "p/_b.jpg")
    shutil.copy(tmp_path / "p" / some[0], tmp_path / "root.jpg")
    (tmp_path / "m.csv").write_text("label,path\n" + f"plum,{some[1]}\n,{some[0]}\n,_hidden/a.jpg\n,_b.jpg\n,README.txt\n,../root.jpg\n")
    done = run(pomona, tmp_path / "p", tmp_path / "m.csv", tmp_path / "o")
    assert "skipped   3 files" in done.stdout
    table = rows(tmp_path / "o")
    assert list(table.index) == [f"file:{tmp_path}/p/{some[0]}", f"file:{tmp_path}/p/{some[1]}", f"file:{tmp_path}/root.jpg"]
    assert list(table.label) == [some[0].split("/")[0], "plum", tmp_path.name]


def test_a_missing_photo_is_an_error_row(pomona, photos, tmp_path):
    (tmp_path / "m.csv").write_text(f"path\n{names(photos)[0]}\ngone.jpg\n")
    run(pomona, photos, tmp_path / "m.csv", tmp_path / "o", "-q", status=3)
    assert "No such file" in pd.read_parquet(tmp_path / "o/Errors").reason[0]


def test_with_only_new(pomona, photos, listed, tmp_path):
    for number, end in enumerate([40, 120]):
        (tmp_path / "m.csv").write_text("path\n" + "\n".join(names(photos)[:end]))
        run(pomona, photos, tmp_path / "m.csv", tmp_path / "o", "-q", "--only-new")
    assert (tmp_path / "o/moments.pom").read_bytes() == (listed / "moments.pom").read_bytes()
    pd.testing.assert_frame_equal(rows(tmp_path / "o"), rows(listed))


@pytest.mark.parametrize("text, words", [
    ("", "empty"), ("a,b\n1,2\n", "line 1: has no column path, uri or key"), ("path,path\na.jpg,b.jpg\n", "line 1: two columns"),
    ("path,label\na.jpg\n", "line 2: 1 fields"), ("path\n\"a.jpg\n", "line 2: a quote is never closed"),
    ("path,size\n\na.jpg,big\n", "line 3: no size is 'big'"), ("path,modified\na.jpg,soon\n", "line 2: no time is 'soon'"),
    ("path,label\na.jpg,\n,x\n", "line 3: no photo is named"), ("path\nhdfs://x/a.jpg\n", "line 2: 'hdfs://x/a.jpg' is of no kind"),
    ("path\na.txt\n", "no photo of it matches '*.jpg' (1 rows)"), ("path\n" + "x" * 1_500_000 + "\n", "line"),
    ("path,label\na.jpg,x\na.jpg,y\n", "two labels"), ("{\"files\": 1}", "no manifest of an S3 Inventory"), ("{\n,", "line 2"),
    ("path\n\xff.jpg\n", "line 2: a field is not UTF-8")])
def test_bad_manifests(pomona, photos, tmp_path, text, words):
    (tmp_path / "m.csv").write_bytes(text.encode("latin-1"))
    done = run(pomona, photos, tmp_path / "m.csv", tmp_path / "o", status=2)
    assert "m.csv" in done.stderr and words in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_other_bad_manifests(pomona, photos, tmp_path):
    whole = gzip.compress(("path\n" + "\n".join(names(photos) * 50)).encode())
    damaged = bytearray(whole)
    damaged[-6] ^= 1
    for name, content in {"cut.gz": whole[:-20], "damaged.gz": bytes(damaged), "short.parquet": b"PAR1PAR1"}.items():
        (tmp_path / name).write_bytes(content)
        done = run(pomona, photos, tmp_path / name, tmp_path / "o", status=2)
        assert name in done.stderr and done.stderr.count("\n") == 1
    (tmp_path / "folder").mkdir()
    for name in "missing.csv", "folder":
        assert name in run(pomona, photos, tmp_path / name, tmp_path / "o", status=2).stderr
    pd.DataFrame({"path": [1, 2]}).to_parquet(tmp_path / "n.parquet")
    assert "of another type" in run(pomona, photos, tmp_path / "n.parquet", tmp_path / "o", status=2).stderr


# --- S3 ---------------------------------------------------------------------------------------------------------------

KEYS = ["fruit/plums/a.jpg", "fruit/plums/b c+d é.jpg", "fruit/_x/a.jpg", "fruit/pears/x.txt", "fruit/pears/old.jpg", "fruit/pears/gone.jpg",
        "other/plums/a.jpg", "fruit/pears/", "fruit/pears/100%25.jpg"]


def inventory(folder, columns=("Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate")):
    (folder / "data").mkdir(parents=True)
    facts = [("photos", urllib.parse.quote_plus(key), "v", str("old" not in key).lower(), str("gone" in key).lower(), str(1000 + number),
              f"2026-03-{number + 1:02}T12:00:00.000Z") for number, key in enumerate(KEYS)]
    text = "".join(",".join(f'"{value}"' for value in row) + "\n" for row in facts)
    content = gzip.compress(text.encode())
    (folder / "data/part1.csv.gz").write_bytes(content)
    manifest = {"sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::inventories", "version": "2016-11-30", "fileFormat": "CSV",
                "fileSchema": ", ".join(columns), "files": [{"key": "photos/daily/data/part1.csv.gz", "size": len(content)}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return manifest


def test_inventory(pomona, photos, tmp_path):
    inventory(tmp_path / "i")
    counts = planned(pomona, "s3://photos/fruit", tmp_path / "i/manifest.json", tmp_path / "o")
    assert counts["photos"] == 3 and counts["skipped"] == 6
    assert planned(pomona, "s3://photos", tmp_path / "i/manifest.json", tmp_path / "o")["photos"] == 4
    assert planned(pomona, "s3://photos/fruit/", tmp_path / "i/manifest.json", tmp_path / "o", "--since", "2026-03-02")["photos"] == 2
    (tmp_path / "i/data/part1.csv.gz").rename(tmp_path / "i/part1.csv.gz")
    assert planned(pomona, "s3://photos/fruit", tmp_path / "i/manifest.json", tmp_path / "o")["photos"] == 3


def test_bad_inventories(pomona, photos, tmp_path):
    manifest = inventory(tmp_path / "i")
    path = tmp_path / "i/manifest.json"

    def refused(**changes):
        path.write_text(json.dumps(manifest | changes))
        done = pomona("features", "s3://photos", "--out", tmp_path / "o", "--manifest", path, "--dry-run", status=2)
        assert done.stderr.count("\n") == 1
        return done.stderr
    assert "lies neither" in refused(files=[{"key": "x/nowhere.csv.gz"}])
    assert "lies neither" in refused(files=[{"key": "../../data/nowhere.csv.gz"}])
    assert "the inventory says 7" in refused(files=[{"key": "part1.csv.gz", "size": 7}])
    assert "ORC" in refused(fileFormat="ORC")
    assert "line 1: 7 fields" in refused(fileSchema="Bucket, Key")
    assert "has no column" in refused(fileSchema="A, B, C, D, E, F, G")


def test_inventory_as_parquet(pomona, tmp_path):
    folder = tmp_path / "i"
    folder.mkdir()
    table = pa.table({"bucket": ["photos"] * len(KEYS), "key": KEYS, "size": list(range(len(KEYS))),
                      "last_modified_date": pa.array([pd.Timestamp(f"2026-03-{n + 1:02}") for n in range(len(KEYS))], pa.timestamp("ms")),
                      "is_latest": ["old" not in key for key in KEYS], "is_delete_marker": ["gone" in key for key in KEYS]})
    pq.write_table(table, folder / "a.parquet")
    (folder / "manifest.json").write_text(json.dumps({"sourceBucket": "photos", "fileFormat": "Parquet", "fileSchema": "message x {}",
                                                      "files": [{"key": "a/b/data/a.parquet"}]}))
    for manifest in "a.parquet", "manifest.json":
        assert planned(pomona, "s3://photos/fruit", folder / manifest, tmp_path / "o")["photos"] == 3
        assert planned(pomona, "s3://photos/fruit", folder / manifest, tmp_path / "o", "--since", "2026-03-02")["photos"] == 2
