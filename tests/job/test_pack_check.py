"""pomona pack --check: damage anywhere in the shards is found, and the photo or shard named."""
import json
import shutil

from test_pack import index_of, large, noise  # noqa: F401  (fixtures too)


def test_check_finds_damage(pomona, large, tmp_path):
    out = tmp_path / "o"
    pomona("pack", large, "--out", out, "--shard-size", "1", "-q")
    done = pomona("pack", "--check", out, "--json", "-q")
    told = json.loads(done.stdout)
    assert (told["photos"], told["failed"], told["shards"], told["bytes"]) == (7, 0, 4, 3_900_000)
    row = index_of(out).set_index("path").loc["3.jpg"]
    shard = out / row.shard
    data = shard.read_bytes()
    shard.write_bytes(data[:row.offset + 9] + bytes([data[row.offset + 9] ^ 1]) + data[row.offset + 10:])
    done = pomona("pack", "--check", out, "-q", status=2)
    assert "3.jpg" in done.stderr and "1 of 7" in done.stderr and "2.jpg" not in done.stderr
    shard.write_bytes(data[:row.offset + 100])
    assert "beyond the end" in pomona("pack", "--check", out, "-q", status=2).stderr
    shard.unlink()
    done = pomona("pack", "--check", out, "-q", status=2)
    assert row.shard in done.stderr and "missing" in done.stderr
    shard.write_bytes(data)
    (out / "_SUCCESS").unlink()
    assert "not whole" in pomona("pack", "--check", out, "-q", status=2).stderr
    assert "_index.parquet" in pomona("pack", "--check", large, "-q", status=2).stderr


def flip(shard, offset, data=None):
    """Changes a byte, or puts others there."""
    content = bytearray(shard.read_bytes())
    new = data or bytes([content[offset] ^ 1])
    content[offset:offset + len(new)] = new
    shard.write_bytes(content)


def summed(header):
    """A tar header with its checksum put right."""
    header = bytearray(header)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_check_reads_headers_and_shards(pomona, large, tmp_path):
    """What another tar would stumble over, and bytes that belong to no photo."""
    (large / ("n" * 130 + ".jpg")).write_bytes(noise(1000))  # with a pax header
    pomona("pack", large, "--out", tmp_path / "good", "--shard-size", "1", "-q")
    pomona("pack", "--check", tmp_path / "good", "-q")
    index = index_of(tmp_path / "good").set_index("path")
    header = {path: (tmp_path / "good" / row.shard).read_bytes()[row.offset - 512:row.offset] for path, row in index.iterrows()}
    second = index.loc["1.jpg"]
    longest = "n" * 130 + ".jpg"

    def checked(path, offset, data, words, name):
        out = tmp_path / "o"
        shutil.copytree(tmp_path / "good", out)
        flip(out / index.loc[path].shard, offset, data)
        lines = pomona("pack", "--check", out, "-q", status=2).stderr.splitlines()
        shutil.rmtree(out)
        assert len(lines) == 2 and name in lines[0] and words in lines[0], lines
        return lines[1]
    one = header["1.jpg"]
    assert one.startswith(b"1.jpg\0")
    start = int(second.offset) - 512
    for data, words in ((summed(b"2" + one[1:]), "another name"), (summed(one[:124] + b"00001000001" + one[135:]), "another size"),
                        (b"2" + one[1:], "checksum"), (summed(one[:257] + b"X" + one[258:]), "no header"),
                        (summed(one[:156] + b"5" + one[157:]), "not the header of this member alone"),
                        (summed(one[:124] + b"x" * 11 + one[135:]), "no size"), (bytes(512), "no header")):
        assert "1 of 8 photos are damaged" in checked("1.jpg", start, data, words, "1.jpg")
    row = index.loc[longest]
    data = (tmp_path / "good" / row.shard).read_bytes()
    record = data.rindex(b"path=" + b"n" * 130, 0, row.offset)
    checked(longest, record + 20, b"m", "another name", longest)
    checked(longest, record, b"!", "another name", longest)  # a key that says nothing
    for offset in record - 2, record + 139:  # its length, its end
        checked(longest, offset, b"!", "records", longest)
    padding = int(second.offset - 512 - 1)  # behind 0.jpg's bytes
    shard = tmp_path / "good" / second.shard
    for offset in padding, shard.stat().st_size - 1:
        last = checked("1.jpg", offset, None, "SHA-256 is not the one in _SUCCESS", second.shard)
        assert "1 of 4 shards are damaged" in last
    # Where _SUCCESS is that of the packing before, the name says enough.
    (tmp_path / "good/_SUCCESS").write_text("{}")
    pomona("pack", "--check", tmp_path / "good", "-q")
    checked("1.jpg", padding, None, "does not begin as its name says", second.shard)
    (tmp_path / "good/_SUCCESS").write_text("[")
    assert "_SUCCESS" in pomona("pack", "--check", tmp_path / "good", "-q", status=2).stderr
