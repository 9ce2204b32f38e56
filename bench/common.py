"""What the benches share: where things are, what machine this is, and rows that are kept."""
import csv
import datetime
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import measured  # noqa: E402

BUILD = ROOT / "build"
POMONA = pathlib.Path(os.environ.get("POMONA", BUILD / "pomona")).absolute()
SHARED = pathlib.Path(os.environ.get("POMONA_SHARED", ROOT.parent / "shared")).absolute()
RESULTS = ROOT / "bench/results"
MODEL = SHARED / "data/models/mobilenet_v2_1.0_224_features.onnx"
WORK = BUILD / "bench"


def cpu_model():
    """The processor's name, and what it can do, since virtual machines often hide the name."""
    fields = {}
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", "").split()
    best = next((f for f in ("amx_tile", "avx512_vnni", "avx512f", "avx2") if f in flags), "")
    name = fields.get("model name", os.uname().machine)
    return f"{name} family {fields.get('cpu family', '?')} model {fields.get('model', '?')} {best}".strip()


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "?"


def append_rows(name, rows):
    """Adds rows (dicts with the same keys) to bench/results/NAME.csv, each with date, processor and commit in front."""
    path = RESULTS / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    common = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
              "cpu": cpu_model(), "cores": os.cpu_count(), "commit": commit()}
    fields = list(common) + list(rows[0])
    fresh = not path.exists()
    if not fresh and next(csv.reader(open(path))) != fields:
        raise SystemExit(f"{path} has other columns: move it away first")
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerows({**common, **row} for row in rows)
    print(f"{len(rows)} rows added to {path.relative_to(ROOT)}")


def spread(values):
    """Median, and the range that holds the middle 80 %."""
    values = sorted(values)
    tenth = (len(values) - 1) // 10
    return statistics.median(values), values[tenth], values[-1 - tenth]


def corpus(count, size=100):
    """A synthetic corpus of `count` photos, drawn once."""
    folder = WORK / f"photos-{count}-{size}"
    if not (folder / ".complete").exists():
        subprocess.run([POMONA, "sample", "--out", folder, "--count", str(count), "--size", str(size), "--overwrite"],
                       check=True, stdout=subprocess.DEVNULL)
        (folder / ".complete").touch()
    return folder


def timed(command, **options):
    """Runs a command to its end: seconds, and its resource usage (tests/measured.py)."""
    code, seconds, usage = measured.run(command, **options)
    if code:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {code}")
    return seconds, usage


def page_cache_dropped():
    """Empties the page cache; False where this user may not."""
    try:
        os.sync()
        open("/proc/sys/vm/drop_caches", "w").write("3\n")
        return True
    except OSError:
        return False
