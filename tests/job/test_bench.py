"""pomona bench: every figure is there and makes sense. No speed is asserted: machines differ, and are busy."""
import json
import os
import signal
import subprocess
import time

import pytest
from conftest import POMONA

QUICK = ("--seconds", "0.001", "--runs", "3", "--count", "3", "--photo-size", "96")
STAGES = ["decode", "resize", "net", "job"]


def bench(pomona, *arguments, **options):
    return json.loads(pomona("bench", *QUICK, *arguments, "--json", **options).stdout)


def check_row(row, peaks, precision="int8"):
    assert set(row) == {"stage", "threads", "batch", "runs", "photos", "photos_per_second", "photos_per_second_low",
                        "photos_per_second_high", "ms_per_photo", "ghz_before", "ghz_after", "gmacs", "fraction_of_peak"}
    assert row["runs"] == 3 and row["photos"] >= 3
    assert 0 < row["photos_per_second_low"] <= row["photos_per_second"] <= row["photos_per_second_high"]
    assert row["ms_per_photo"] == pytest.approx(1e3 / row["photos_per_second"])
    assert 0.05 < row["ghz_before"] < 10 and 0.05 < row["ghz_after"] < 10
    if row["stage"] != "net":
        assert row["gmacs"] is None and row["fraction_of_peak"] is None
        return
    assert row["batch"] in (1, 2, 4, 8, 16) and row["gmacs"] > 0
    peak = next(peak for peak in peaks if peak["threads"] == row["threads"])[f"{precision}_gmacs"]
    if peak is None:
        assert row["fraction_of_peak"] is None
    else:
        assert row["fraction_of_peak"] == pytest.approx(row["gmacs"] / peak)
        assert 0 < row["fraction_of_peak"] < 1.2


def test_all_stages(pomona):
    result = bench(pomona)
    cpu = json.loads(pomona("cpu", "--json").stdout)
    threads = [1] if cpu["threads"] == 1 else [1, cpu["threads"]]
    assert [(row["stage"], row["threads"]) for row in result["rows"]] == [(stage, n) for stage in STAGES for n in threads]
    assert [peak["threads"] for peak in result["peaks"]] == threads
    for row in result["rows"]:
        check_row(row, result["peaks"])
    assert result["tier"] == cpu["tier_used"]
    assert result["model"]["name"] == "embedded" and len(result["model"]["hash"]) == 64 and result["model"]["macs"] > 1e6
    assert result["model"]["precision"] == "int8" and "decode=exact" in result["model"]["profile"]
    photos = result["photos"]
    assert photos["synthetic"] and photos["count"] == 3 and photos["failed"] == 0 and photos["first_failure"] is None
    assert photos["mean_megapixels"] == pytest.approx(96 * 96 / 1e6) and photos["mean_bytes"] > 500
    assert result["run_seconds"] == 0.001 and result["seconds"] > 0 and result["pomona"]


def test_peaks_of_a_vector_tier(pomona):
    result = bench(pomona, "--stage", "net", "--threads", "1")
    peak, = result["peaks"]
    if result["tier"] == "scalar":
        assert peak["fp32_gmacs"] is None and peak["int8_gmacs"] is None
    else:
        assert peak["fp32_gmacs"] > 0 and peak["int8_gmacs"] > 0
    assert bench(pomona, "--stage", "net", "--threads", "1", "--tier", "scalar")["peaks"][0]["fp32_gmacs"] is None


@pytest.mark.parametrize("stage", STAGES)
def test_one_stage(pomona, stage):
    result = bench(pomona, "--stage", stage, "--threads", "2")
    row, = result["rows"]
    assert (row["stage"], row["threads"]) == (stage, 2)
    check_row(row, result["peaks"])


def test_text_for_people(pomona):
    text = pomona("bench", *QUICK).stdout
    assert all(f"\n{stage} " in text for stage in STAGES)
    assert "GHz" in text and "photos/s" in text and "3 synthetic ones" in text and "3 runs" in text


def test_photos_of_a_folder(pomona, photos, tmp_path):
    result = bench(pomona, "--photos", photos, "--stage", "job", "--decode", "scaled", "--views", "flip", "--precision", "auto")
    assert not result["photos"]["synthetic"] and result["photos"]["count"] == 3
    assert result["photos"]["mean_megapixels"] == pytest.approx(0.01)
    assert "decode=scaled" in result["model"]["profile"] and "views=100c,100cm" in result["model"]["profile"]
    one = next(photos.rglob("*.jpg"))
    assert bench(pomona, "--photos", one, "--stage", "decode")["photos"]["count"] == 1
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(one.read_bytes())
    (folder / "b.jpg").write_bytes(one.read_bytes()[:500])
    result = bench(pomona, "--photos", folder, "--stage", "resize")
    assert result["photos"]["count"] == 1 and result["photos"]["failed"] == 1 and "b.jpg" in result["photos"]["first_failure"]
    assert "left out  1 photos" in pomona("bench", "--photos", folder, "--stage", "resize", *QUICK).stdout


def test_photos_that_cannot_be_read(pomona, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff")
    assert "a.jpg" in pomona("bench", "--photos", tmp_path, *QUICK, status=2).stderr
    pomona("bench", "--photos", tmp_path / "absent", *QUICK, status=2)
    assert "no photo matches" in pomona("bench", "--photos", tmp_path, "--glob", "*.jpeg", *QUICK, status=2).stderr
    pomona("bench", "--model", tmp_path / "absent.onnx", *QUICK, status=2)


@pytest.mark.parametrize("arguments,word", [
    (["--stage", "nothing"], "decode, resize, net or job"), (["--precision", "fp8"], "fp8"), (["--threads", "0"], "threads"),
    (["--runs", "0"], "runs"), (["--seconds", "0"], "seconds"), (["--decode", "fast"], "exact or scaled"), (["extra"], "one argument too many"),
    (["--count", "2000"], "count")])
def test_bad_usage(pomona, arguments, word):
    assert word in pomona("bench", *arguments, status=1).stderr


def test_nothing_is_left_behind(pomona, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    bench(pomona, "--stage", "job", env=environment)
    assert list(tmp_path.iterdir()) == []
    process = subprocess.Popen([POMONA, "bench", "--stage", "job", "--seconds", "60", "-q"], env=environment, stderr=subprocess.PIPE)
    for _ in range(1000):
        if list(tmp_path.glob("pomona-bench-*/*.jpg")) or process.poll() is not None:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130 and b"interrupted" in process.stderr.read()
    assert list(tmp_path.iterdir()) == []
    absent = {**os.environ, "TMPDIR": str(tmp_path / "absent")}
    pomona("bench", "--stage", "job", *QUICK, env=absent, status=4)
