"""pomona sample, seen from outside: files that other programs read, and a command that says what went wrong."""
from PIL import Image


def test_photos_are_read_by_others(pomona, tmp_path):
    out = tmp_path / "with space" / "photos"
    pomona("sample", "--out", out, "--count", "96", "--gps", "0.5", "--seed", "3", "-q")
    photos = sorted(out.glob("*/*_100.jpg"))
    assert len(photos) == 96
    assert len({photo.parent.name for photo in photos}) == 24
    located = 0
    for photo in photos:
        with Image.open(photo) as picture:
            picture.load()
            assert picture.size == (100, 100) and picture.mode == "RGB"
            assert picture.info["comment"] == b"synthetic, drawn by pomona sample"
            gps = picture.getexif().get_ifd(0x8825)
        if gps:
            located += 1
            degrees, minutes, seconds = gps[2]
            assert gps[1] == "S" and gps[3] == "W"
            assert 44 <= degrees < 54 and minutes < 60 and seconds < 60
            assert 118 <= gps[4][0] < 128
    assert 28 <= located <= 68
    assert "synthetic" in (out / "README.txt").read_text()


def test_two_runs_give_the_same_bytes(pomona, tmp_path):
    for name, threads in (("a", 1), ("b", 4)):
        pomona("sample", "--out", tmp_path / name, "--count", "60", "--gps", "0.3", "--threads", str(threads), "-q")
    first = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert len(first) == 61 and first == second


def test_an_old_corpus_is_kept(pomona, tmp_path):
    pomona("sample", "--out", tmp_path, "--count", "3", "-q")
    done = pomona("sample", "--out", tmp_path, "--count", "3", "-q", status=None)
    assert done.returncode != 0 and "exists" in done.stderr
    pomona("sample", "--out", tmp_path, "--count", "3", "--overwrite", "-q")
