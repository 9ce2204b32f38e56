"""What is packed is found by its names: in a bucket, one photo, a folder, a list, what failed before."""
import json
import shutil

import pandas as pd
import pytest

from test_pack import contents, index_of, large, originals, packed, results  # noqa: F401  (fixtures too)

def test_a_folder_of_a_packed_one(pomona, photos, packed, tmp_path):
    """A level of the index is a folder, of which all commands take the photos."""
    label = sorted({path.split("/")[0] for path in index_of(packed).path})[1]
    for out, source in ("a", photos / label), ("b", packed / label):
        pomona("features", source, "--out", tmp_path / out, "-q")
    assert results(tmp_path / "a", photos / label) == results(tmp_path / "b", packed / label) != []
    lines = [pomona("predict", source / label, "--csv").stdout.replace(str(source), "") for source in (photos, packed)]
    assert lines[0] == lines[1] and lines[0].count("\n") > 10
    pomona("pack", packed / label, "--out", tmp_path / "again", "-q")
    assert contents(tmp_path / "again") == originals(photos / label)
    done = pomona("features", packed / label, "--out", tmp_path / "c", "--glob", "*.png", "-q", status=2)
    assert "no photo matches" in done.stderr
    for name in label[:-1], label + "x", "nothing/" + label:
        assert name in pomona("features", packed / name, "--out", tmp_path / "d", "-q", status=2).stderr


def listed(names, path, **columns):
    """A manifest of names, with more columns; CSV."""
    pd.DataFrame({"path": names, **columns}).to_csv(path, index=False)
    return path


def test_a_manifest_of_a_packed_folder(pomona, photos, packed, tmp_path):
    names = list(index_of(packed).path)[3:90:4]
    for out, source in ("a", photos), ("b", packed):
        told = [*names[:-1], f"file:{source}/{names[-1]}", str(source / names[0])]
        manifest = listed(told, tmp_path / "m.csv")
        pomona("features", source, "--manifest", manifest, "--out", tmp_path / out, "-q")
    assert results(tmp_path / "a", photos) == results(tmp_path / "b", packed) and len(names) == 22
    labels = [f"label {number % 3}" for number in range(len(names))]
    manifest = listed(names, tmp_path / "m.csv", label=labels, size=[1] * len(names))
    pomona("features", packed, "--manifest", manifest, "--out", tmp_path / "c", "-q")
    assert [row[:2] for row in results(tmp_path / "c", packed)] == list(zip(names, labels))
    manifest = listed(["apple/nothing.jpg", names[0]], tmp_path / "m.csv")
    done = pomona("features", packed, "--manifest", manifest, "--out", tmp_path / "d", "-q", status=3)
    assert "1 of 2 photos failed" in done.stderr


# --- in a bucket ------------------------------------------------------------------------------------------------------

def test_packed_in_a_bucket(pomona, photos, large, s3, bucket, s3_environment, tmp_path):
    def run(*arguments, **options):
        return pomona(*arguments, env=s3_environment, **options)
    place = f"s3://{bucket}/packed"
    run("pack", photos, "--out", place, "-q")
    run("features", place, "--out", tmp_path / "b", "-q")
    run("features", photos, "--out", tmp_path / "a", "-q")
    found = pd.concat(pd.read_parquet(path) for path in sorted((tmp_path / "b/Results").glob("part-*")))
    here = results(tmp_path / "a", photos)
    assert [(path.removeprefix(place + "/"), label, values.tobytes())
            for path, label, values in zip(found.path, found.label, found.features)] == here
    run("pack", "--check", place, "-q")
    old = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    run("pack", large, "--out", place, "-q", status=2)
    run("pack", large, "--out", place, "-q", "--overwrite")
    new = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert old & new == {"packed/_index.parquet", "packed/_SUCCESS"} and len(new) == 3
    run("pack", "--check", place, "-q")
    run("pack", place, "--out", tmp_path / "here", "-q")
    assert contents(tmp_path / "here") == originals(large)
    s3.delete_object(Bucket=bucket, Key="packed/_SUCCESS")
    done = run("pack", place, "--out", tmp_path / "more", "-q", status=2)
    assert "not whole" in done.stderr and not (tmp_path / "more").exists()


def test_an_index_below_a_hidden_level_of_a_bucket(pomona, s3, bucket, s3_environment, tmp_path):
    s3.put_object(Bucket=bucket, Key="p/a.jpg", Body=b"1")
    s3.put_object(Bucket=bucket, Key="p/b/c.jpg", Body=b"2")
    pomona("pack", f"s3://{bucket}/p", "--out", tmp_path / "o", "-q", env=s3_environment)
    assert contents(tmp_path / "o") == {"a.jpg": b"1", "b/c.jpg": b"2"}
    s3.put_object(Bucket=bucket, Key="p/_index.parquet.d/_index.parquet", Body=b"hidden, so no index")
    pomona("pack", f"s3://{bucket}/p", "--out", tmp_path / "o", "-q", "--overwrite", env=s3_environment)


@pytest.fixture
def packed_bucket(pomona, photos, bucket, s3, s3_environment, tmp_path):
    """The photos packed two levels below a bucket, as place; run(...) runs pomona there."""
    class Packed:
        place = f"s3://{bucket}/level/packed"
        names = sorted(originals(photos))
        label = names[0].split("/")[0]

        @staticmethod
        def run(*arguments, **options):
            return pomona(*arguments, **{"env": s3_environment, **options})

        @staticmethod
        def rows(out):
            table = pd.concat(pd.read_parquet(path) for path in sorted((out / "Results").glob("part-*")))
            return [(path.removeprefix(Packed.place + "/"), label, values.tobytes())
                    for path, label, values in zip(table.path, table.label, table.features)]
    Packed.run("pack", photos, "--out", Packed.place, "-q")
    return Packed


def test_names_in_a_packed_prefix(packed_bucket, photos, tmp_path):
    """One photo, a level, a list, a picture of a report: as if they were objects."""
    run, place, names, label = packed_bucket.run, packed_bucket.place, packed_bucket.names, packed_bucket.label
    run("features", photos, "--out", tmp_path / "all", "-q")
    known = {row[0]: row for row in results(tmp_path / "all", photos)}
    run("features", f"{place}/{names[5]}", "--out", tmp_path / "one", "-q")
    assert packed_bucket.rows(tmp_path / "one") == [known[names[5]]]
    below = [name for name in names if name.startswith(label + "/")]
    for number, source in enumerate((f"{place}/{label}", f"{place}/{label}/")):
        run("features", source, "--out", tmp_path / f"level{number}", "-q")
        assert packed_bucket.rows(tmp_path / f"level{number}") == [known[name] for name in below]
    told = run("predict", f"{place}/{names[1]}", f"{place}/{names[40]}", f"{place}/{label}", "--json").stdout.splitlines()
    here = run("predict", photos / names[1], photos / names[40], photos / label, "--json").stdout.splitlines()
    assert [json.loads(line)["top"] for line in told] == [json.loads(line)["top"] for line in here] and len(here) > 3
    chosen = names[::7]
    listed([*chosen, f"{place}/{chosen[0]}"], tmp_path / "m.csv")
    run("features", place, "--manifest", tmp_path / "m.csv", "--out", tmp_path / "list", "-q")
    assert packed_bucket.rows(tmp_path / "list") == [known[name] for name in chosen]
    listed([name.split("/")[1] for name in below[:3]], tmp_path / "n.csv")
    run("features", f"{place}/{label}", "--manifest", tmp_path / "n.csv", "--out", tmp_path / "list2", "-q")
    assert packed_bucket.rows(tmp_path / "list2") == [known[name] for name in below[:3]]
    run("pack", f"{place}/{label}", "--out", tmp_path / "again", "-q")
    assert contents(tmp_path / "again") == originals(photos / label)
    run("compare", "embedded", "--on", f"{place}/{label}", "--out", tmp_path / "o", "--quick", "--seconds", "0.05", "--photos",
        "10", "-q")
    assert json.loads((tmp_path / "o/comparison.json").read_text())["photos"] == len(below)
    run("run", place, "--out", tmp_path / "r", "-q")
    run("run", photos, "--out", tmp_path / "s", "-q")
    pictures = [(tmp_path / name / "report.html").read_text().count("data:image/") for name in "rs"]
    assert pictures[0] == pictures[1] > 0
    for name in f"{label}/nothing.jpg", label[:-1], "nothing", f"{names[0]}/{names[0]}":
        done = run("features", f"{place}/{name}", "--out", tmp_path / "x", "-q", status=2)
        assert name in done.stderr and not (tmp_path / "x/Results").exists()


def test_failed_photos_of_a_packed_prefix(pomona, photos, bucket, s3_environment, tmp_path):
    """--retry-failed finds them in the shards, also behind an index that was replaced."""
    source, place = tmp_path / "p", f"s3://{bucket}/p"
    shutil.copytree(photos, source)
    victims = [source / name for name in sorted(originals(photos))[3:50:9]]
    for path in victims:
        path.write_bytes(b"no photo")
    pomona("pack", source, "--out", place, "-q", env=s3_environment)
    out = tmp_path / "out"
    pomona("features", place, "--out", out, "-q", status=3, env=s3_environment)
    done = pomona("features", place, "--out", out, "--retry-failed", "-q", status=3, env=s3_environment)
    assert "6 of 6 photos failed" in done.stderr
    for path in victims:
        shutil.copy(photos / path.relative_to(source), path)
    pomona("pack", source, "--out", place, "--overwrite", "-q", env=s3_environment)
    pomona("features", place, "--out", out, "--retry-failed", "-q", env=s3_environment)
    pomona("features", source, "--out", tmp_path / "here", "-q")
    found = pd.concat(pd.read_parquet(path) for path in (out / "Results").glob("part-*")).sort_values("path")
    assert [(path.removeprefix(place + "/"), label, values.tobytes())
            for path, label, values in zip(found.path, found.label, found.features)] == results(tmp_path / "here", source)


def test_few_requests_for_names_in_a_packed_prefix(pomona, photos, packed_bucket, proxied, tmp_path):
    """What was looked for is remembered: not a request for each photo, nor for each folder."""
    proxy = proxied()

    def requests(*arguments, command="features"):
        proxy.script("")
        pomona(command, *arguments, "-q", env=proxy.environment)
        return proxy.report()["methods"]
    names, place = packed_bucket.names, packed_bucket.place
    one = requests(f"{place}/{names[0]}", "--out", tmp_path / "a")
    assert one["HEAD"] <= 6 and one["GET"] <= 4, one
    listed(names, tmp_path / "m.csv")
    many = requests(place, "--manifest", tmp_path / "m.csv", "--out", tmp_path / "b")
    assert many["HEAD"] <= 6 and many["GET"] <= 8, many
    pictures = requests(place, "--out", tmp_path / "r", command="run")
    assert pictures["HEAD"] <= 10 and pictures["GET"] <= 12, pictures
    plain = f"s3://{packed_bucket.place.split('/')[2]}/plain"
    pomona("cp", "-r", "-q", photos, plain, env=proxy.environment)
    many = requests(plain, "--manifest", tmp_path / "m.csv", "--out", tmp_path / "c")
    assert many["HEAD"] <= 3 and many["GET"] <= len(names) + 2, many
