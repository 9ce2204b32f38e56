"""The notebooks of examples/ run, in both languages, and hold what make_notebooks.py would write. Runs with --cluster."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.cluster, pytest.mark.skipif(shutil.which("java") is None, reason="no Java")]


def test_notebooks(tmp_path):
    for module in ("pyspark", "nbclient", "matplotlib", "pomona"):
        pytest.importorskip(module)
    done = subprocess.run([sys.executable, ROOT / "examples/make_notebooks.py", "--check"], capture_output=True, text=True, timeout=900,
                          env={**os.environ, "POMONA_PHOTOS": "120", "PYSPARK_PYTHON": sys.executable, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.count("ran, 3 pictures") == 2
