"""What measures others, measured."""
import sys

import pytest

import measured

GROW = "import os, sys; block = bytearray(int(sys.argv[1]) << 20); block[::4096] = bytes([1]) * len(block[::4096])"


def test_peak_memory_is_the_command_s_own():
    ballast = bytearray(200 << 20)
    ballast[::4096] = bytes([1]) * len(ballast[::4096])
    most = {size: measured.run([sys.executable, "-I", "-S", "-c", GROW, size])[2].ru_maxrss / 1024 for size in (1, 100)}
    assert most[1] < 50 < 100 < most[100] < 150, most
    assert len(ballast) == 200 << 20


def test_exit_codes_seconds_and_what_is_passed_on(tmp_path):
    with open(tmp_path / "out", "w") as out:
        code, seconds, usage = measured.run(["sh", "-c", "echo $WORD; sleep 0.2; exit 3"], stdout=out, env={"WORD": "passed on", "PATH": "/usr/bin:/bin"})
    assert (code, (tmp_path / "out").read_text()) == (3, "passed on\n")
    assert seconds >= 0.2 > usage.ru_utime + usage.ru_stime
    assert measured.run(["sh", "-c", "kill -9 $$"])[0] == -9
    assert measured.run(["sh", "-c", "trap - PIPE; kill -13 $$"])[0] == -13
    with pytest.raises(RuntimeError, match="there-is-none can't be started"):
        measured.run(["there-is-none"])
