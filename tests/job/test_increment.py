"""Adding to results: --only-new, --retry-failed, --since; and run on top of them."""
import json
import os
import shutil

import pandas as pd
import pytest

from test_features import parts, rows


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def days(pomona, photos, tmp_path_factory):
    """A source in two halves: 60 photos, then 60 more; and one run over everything."""
    folder = tmp_path_factory.mktemp("days")
    names = sorted(path.relative_to(photos) for path in photos.rglob("*.jpg"))
    shutil.copytree(photos, folder / "photos", ignore=lambda _, names: [name for name in names if name.endswith(".jpg")])
    for name in names[::2]:
        shutil.copy2(photos / name, folder / "photos" / name)
    pomona("run", folder / "photos", "--out", folder / "day1", "-q")
    for name in names[1::2]:
        shutil.copy2(photos / name, folder / "photos" / name)
    pomona("run", folder / "photos", "--out", folder / "whole", "-q")
    return folder


@pytest.fixture
def day1(days, tmp_path):
    shutil.copytree(days / "day1", tmp_path / "out")
    return tmp_path / "out"


def test_day_by_day_is_one_run_over_everything(pomona, days, day1):
    done = pomona("run", days / "photos", "--out", day1, "--only-new")
    assert "60 photos, 60 rows" in done.stdout and "in all    120 rows" in done.stdout
    pd.testing.assert_frame_equal(rows(day1), rows(days / "whole"))
    for name in "moments.pom", "pca.model", "PCA_variance.csv":
        assert (day1 / name).read_bytes() == (days / "whole" / name).read_bytes(), name
    scores = [pd.read_parquet(folder / "PCA_Results").sort_values("path").reset_index(drop=True)
              for folder in (day1, days / "whole")]
    pd.testing.assert_frame_equal(*scores)
    pomona("verify", day1)


def test_old_parts_stay_and_new_ones_are_numbered_on(pomona, days, day1):
    before = {path.name: (path.read_bytes(), path.stat().st_ino) for path in (day1 / "Results").glob("part-*")}
    pomona("features", days / "photos", "--out", day1, "--only-new", "-q", "--partitions", "3")
    after = {path.name: (path.read_bytes(), path.stat().st_ino) for path in (day1 / "Results").glob("part-*")}
    assert before.items() <= after.items() and len(after) == len(before) + 3
    success = json.loads((day1 / "Results/_SUCCESS").read_text())
    assert sorted(after) == [part["name"] for part in success["parts"]] and success["rows"] == 120
    run = json.loads((day1 / "run.json").read_text())
    assert run["counts"]["rows"] == 60 and run["counts"]["known"] == 60
    assert run["total"] == {"rows": 120, "errors": 0, "parts": 23} and run["job"] == success["job"]


def test_nothing_new_changes_nothing(pomona, days, day1):
    pomona("run", days / "photos", "--out", day1, "--only-new", "-q")
    before = everything(day1)
    times = {path: path.stat().st_mtime_ns for path in before}
    for command in "features", "run":
        assert "nothing new" in pomona(command, days / "photos", "--out", day1, "--only-new").stdout
    pomona("features", days / "photos", "--out", day1, "--only-new", "--resume", "-q")
    pomona("features", days / "photos", "--out", day1, "--retry-failed", "-q")
    assert everything(day1) == before and {path: path.stat().st_mtime_ns for path in before} == times


def test_run_fits_again_when_it_was_stopped_before_the_fit(pomona, days, day1):
    pomona("features", days / "photos", "--out", day1, "--only-new", "-q")
    pomona("run", days / "photos", "--out", day1, "--only-new", "-q")
    assert (day1 / "pca.model").read_bytes() == (days / "whole/pca.model").read_bytes()


def test_the_first_night_is_a_job_like_any_other(pomona, days, tmp_path):
    pomona("run", days / "photos", "--out", tmp_path / "o", "--only-new", "--resume", "-q")
    assert {name: content for name, content in parts(tmp_path / "o").items() if "report" not in name} == \
        {name: content for name, content in parts(days / "whole").items() if "report" not in name}
    done = pomona("features", days / "photos", "--out", tmp_path / "p", "--retry-failed", status=2)
    assert "no results yet" in done.stderr and not (tmp_path / "p").exists()


def test_a_few_photos_make_a_few_parts(pomona, days, day1):
    pomona("features", days / "photos", "--out", day1, "--only-new", "-q", "--limit", "7")
    assert len(list((day1 / "Results").glob("part-*"))) == 21 and len(rows(day1)) == 67


def test_another_feature_space_is_refused(pomona, days, day1):
    before = everything(day1)
    for option in ["--views", "flip"], ["--precision", "fp32"], ["--size", "128"]:
        done = pomona("features", days / "photos", "--out", day1, "--only-new", *option, status=2)
        assert "of another space" in done.stderr and done.stderr.count("\n") == 1
    assert everything(day1) == before


def test_results_of_others_are_refused(pomona, days, tmp_path):
    (tmp_path / "o/Results").mkdir(parents=True)
    done = pomona("features", days / "photos", "--out", tmp_path / "o", "--only-new", status=2)
    assert "_SUCCESS" in done.stderr
    (tmp_path / "o/Results/_SUCCESS").write_bytes(b"")  # as Spark writes it
    pomona("features", days / "photos", "--out", tmp_path / "o", "--only-new", status=2)
    (tmp_path / "o/Results/_SUCCESS").write_text('{"job": "a", "feature_space": "b", "rows": 1, "errors": 0, "parts": '
                                                 '[{"name": "../x", "rows": 1, "bytes": 1, "sha256": "%s"}]}' % ("0" * 64))
    assert "pomona features did not write this" in pomona("features", days / "photos", "--out", tmp_path / "o", "--only-new",
                                                          status=2).stderr


def test_damaged_results_are_not_added_to(pomona, days, day1):
    part = sorted((day1 / "Results").glob("part-*"))[3]
    content = part.read_bytes()
    part.unlink()
    assert part.name in pomona("features", days / "photos", "--out", day1, "--only-new", "-q", status=2).stderr
    assert not (day1 / "_temporary").exists()
    part.write_bytes(content)
    (day1 / "moments.pom").write_bytes((days / "whole/moments.pom").read_bytes())
    done = pomona("features", days / "photos", "--out", day1, "--only-new", "-q", status=2)
    assert "120 rows, Results has 60" in done.stderr
    (day1 / "moments.pom").unlink()  # then it is made again of the rows
    pomona("features", days / "photos", "--out", day1, "--only-new", "--resume", "-q")
    assert (day1 / "moments.pom").read_bytes() == (days / "whole/moments.pom").read_bytes()


def test_retry_failed(pomona, photos, tmp_path):
    source, out = tmp_path / "p", tmp_path / "o"
    shutil.copytree(photos, source)
    names = [f"bad{number}.jpg" for number in range(4)]
    for name in names:
        (source / name).write_bytes(b"no photo")
    pomona("features", source, "--out", out, "-q", status=3)
    assert "nothing new" in pomona("features", source, "--out", out, "--only-new").stdout
    good = next(photos.rglob("*.jpg"))
    shutil.copy(good, source / "bad1.jpg")
    (source / "bad2.jpg").unlink()  # gone: stays an error, with another reason
    done = pomona("features", source, "--out", out, "--retry-failed", "--json", status=3)
    run = json.loads(done.stdout)
    assert run["counts"]["photos"] == 4 and run["counts"]["rows"] == 1 and run["total"]["errors"] == 3
    errors = pd.read_parquet(out / "Errors").set_index("path").reason
    assert [path.split("/")[-1] for path in errors.index] == ["bad0.jpg", "bad2.jpg", "bad3.jpg"]
    assert "No such file" in errors.iloc[1]
    assert rows(out).label[f"file:{source}/bad1.jpg"] == "p"
    # Still failing ones leave no empty parts, night after night.
    before = len(list((out / "Results").glob("part-*")))
    pomona("features", source, "--out", out, "--retry-failed", "-q", status=3)
    assert len(list((out / "Results").glob("part-*"))) == before
    # Both at once, and with labels of a file.
    shutil.copy(good, source / "new.jpg")
    shutil.copy(good, source / "bad3.jpg")
    (tmp_path / "labels.csv").write_text("path,label\nnew.jpg,n\nbad3.jpg,b\nbad0.jpg,b\nbad2.jpg,b\n")
    pomona("features", source, "--out", out, "--retry-failed", "--only-new", "--labels", tmp_path / "labels.csv", "-q", status=3)
    table = rows(out)
    assert len(table) == 123 and table.label[f"file:{source}/new.jpg"] == "n" and table.label[f"file:{source}/bad3.jpg"] == "b"
    (source / "bad0.jpg").write_bytes(good.read_bytes())
    (source / "bad2.jpg").write_bytes(good.read_bytes())
    pomona("features", source, "--out", out, "--retry-failed", "-q")
    assert not (out / "Errors").exists()
    pomona("verify", out)
    pomona("features", source, "--out", tmp_path / "w", "-q", "--labels", tmp_path / "labels.csv")
    assert sorted(rows(tmp_path / "w").index) == sorted(rows(out).index)


def test_an_odd_name_is_tried_again(pomona, photos, tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"p")
    os.makedirs(folder)
    for name in b"caf\xe9.jpg", b"100%25.jpg":
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b"no photo")
    pomona("features", tmp_path / "p", "--out", tmp_path / "o", "-q", status=3)
    for name in b"caf\xe9.jpg", b"100%25.jpg":
        shutil.copy(next(photos.rglob("*.jpg")), os.path.join(folder, name))
    pomona("features", tmp_path / "p", "--out", tmp_path / "o", "-q", "--retry-failed")
    assert sorted(rows(tmp_path / "o").index) == [f"file:{tmp_path}/p/{name}" for name in ("100%25.jpg", "caf%E9.jpg")]


def test_an_interrupted_addition(pomona, days, day1, photos):
    """What --resume and --overwrite mean when adding: the results stay in both cases."""
    before = parts(day1)
    staging = day1 / "_temporary"
    staging.mkdir()
    (staging / "lock").touch()
    (staging / "job").write_text("0" * 36)
    done = pomona("features", days / "photos", "--out", day1, "--only-new", status=2)
    assert "--resume" in done.stderr and "--overwrite" in done.stderr
    done = pomona("features", days / "photos", "--out", day1, "--only-new", "--resume", status=2)
    assert "another interrupted job" in done.stderr
    assert {name: content for name, content in parts(day1).items() if "_temporary" not in name} == before
    pomona("features", days / "photos", "--out", day1, "--only-new", "--overwrite", "-q")
    assert len(rows(day1)) == 120 and not staging.exists()


def test_since(pomona, photos, tmp_path):
    source = tmp_path / "p"
    shutil.copytree(photos, source)
    names = sorted(source.rglob("*.jpg"))
    for number, path in enumerate(names):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))  # 2001-09-09T01:46:40Z and later

    def count(since, status=0):
        done = pomona("features", source, "--out", tmp_path / "o", "--dry-run", "--since", since, "--json", status=status)
        return json.loads(done.stdout)["counts"]["photos"] if status == 0 else done.stderr
    for since, expected in {"@1000000010": 110, "2001-09-09T01:46:50Z": 110, "2001-09-09T03:46:50+02:00": 110,
                            "2001-09-09 01:46:50": 110, "2001-09-09": 120, "20000w": 120}.items():
        assert count(since) == expected, since
    for since in "2001-09-10", "1h", "2030-01-01":
        assert "none of its 120 photos" in count(since, 2)
    for since in "yesterday", "2001-13-01", "2001-02-30", "5", "@x", "7 d", "2001-09-09T25:00":
        assert "is no time" in count(since, 1)
    pomona("features", source, "--out", tmp_path / "o", "--since", "@1000000060", "-q")
    done = pomona("features", source, "--out", tmp_path / "o", "--only-new", "--since", "@1000000050")
    assert "10 photos, 10 rows" in done.stdout and "50 photos are older" in done.stdout
    assert "nothing new" in pomona("features", source, "--out", tmp_path / "o", "--only-new", "--since", "1h").stdout


def test_a_time_before_now_can_be_resumed(pomona, photos, tmp_path):
    pomona("features", photos, "--out", tmp_path / "o", "--since", "9d", "-q", "--partitions", "1")
    staging = tmp_path / "o/_temporary"
    job = json.loads((tmp_path / "o/run.json").read_text())["job"]
    shutil.rmtree(tmp_path / "o/Results"), (tmp_path / "o/run.json").unlink(), (tmp_path / "o/moments.pom").unlink()
    staging.mkdir()
    (staging / "job").write_text(job)
    (staging / "since").write_text("9d 5")  # noted nearly at the epoch
    os.utime(next(photos.rglob("*.jpg")), (3, 3))
    done = pomona("features", photos, "--out", tmp_path / "o", "--since", "9d", "--resume", "--partitions", "1", status=2)
    assert "another interrupted job" in done.stderr  # the photo of second 3 is older than what was noted: another list
    (staging / "since").write_text("9d 2")
    pomona("features", photos, "--out", tmp_path / "o", "--since", "9d", "--resume", "--partitions", "1", "-q")
    assert len(rows(tmp_path / "o")) == 120
    os.utime(next(photos.rglob("*.jpg")))
