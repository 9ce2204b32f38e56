"""From 100,000 to 1,000,000,000 photos, on paper: requests, bytes, memory, time and money of four designs. docs/scale.md is made of it.

usage: scale.py [--seed 1] [--magnitudes 5 6 7 8 9] [--write]

Constants are the medians of bench/results/*.csv; where there is none they are the assumptions of ASSUMED, and prices those of PRICES: both
are in the page, to be replaced. Queues (losses of machines, stragglers, retries, slow requests) are simulated by scale_queue.py.
--write replaces bench/results/scale.csv (these rows are no measurements: one seed and one set of constants, one file), the tables and
figures of docs/scale.md, and docs/images/scale.svg. The lines of arithmetic there are written by hand; tests/python/test_scale.py looks at all.
"""
import argparse
import csv
import datetime
import math
import pathlib
import statistics

import numpy as np
import scale_page
from scale_queue import Cluster, Latency, in_flight, one_after_another, run, stream_blocks, tree_partitions

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"

# Not measured by this project. name: (value, unit, why)
ASSUMED = {
    "photo bytes": (5000, "bytes", "a JPEG of 100x100"),
    "vCPUs a core": (2, "", "a vCPU of m5 is half a core; a core is taken to be as fast as the measured one"),
    "vCPUs": (4, "", "m5.xlarge"),
    "node memory": (16 * 2**30, "bytes", "m5.xlarge"),
    "node disk": (64e9, "bytes", "of EMR's default volumes on m5.xlarge"),
    "node disk rate": (125e6, "bytes/s", "a gp3 volume's baseline"),
    "driver heap": (8 * 2**30, "bytes", "spark.driver.memory on a primary of 16 GiB"),
    "node network": (156e6, "bytes/s", "m5.xlarge's baseline, 1.25 Gbit/s"),
    "latency median": (0.020, "s", "what bench/s3.py adds to a request"),
    "latency sigma": (0.5, "", "lognormal"),
    "slow share": (0.01, "", "of requests"),
    "slow factor": (10, "x", "how much longer these take"),
    "losses": (0.01, "1/h", "spot losses of a node; pessimistic"),
    "away": (300, "s", "until a lost node is replaced"),
    "failing": (0.001, "", "attempts of a task that fail"),
    "straggling": (0.02, "", "attempts that take three times as long"),
    "start, cluster": (420, "s", "of EMR"),
    "start, machine": (60, "s", "of an instance"),
    "prefix rate": (5500, "requests/s", "GET and HEAD of one prefix of a bucket; beyond, S3 may answer 503"),
}

# List prices known in 2026, eu-west-3 (Paris), in dollars; not measured.
PRICES = {
    "m5.xlarge": (0.224, "an hour on demand"),
    "spot share": (1 / 3, "of on demand"),
    "EMR share": (0.25, "of on demand, on top, also of spot nodes"),
    "GET": (0.00042e-3, "a GET or HEAD, Standard"),
    "PUT": (0.0053e-3, "a PUT, POST, COPY or LIST, Standard"),
}

DESIGNS = {  # name: what the tables say
    "machine": "one machine, files",
    "machine shards": "one machine, shards",
    "spark": "Spark, files",
    "spark wide": "Spark, files, 4 tasks a vCPU",
    "fleet": "many machines, shards",
}
NODES = {5: 2, 6: 4, 7: 10, 8: 50, 9: 200}
PAGE_KEYS, SPLIT_PHOTOS, TASK_SPLITS, SHARD_BYTES, BLOCK_BYTES = 1000, 32, 64, 256 << 20, 1 << 20
PART_BYTES, S3A_PART_BYTES, FLOAT_FEATURES, FLEET_PHOTOS, BATCH_PHOTOS, LANES = 8 << 20, 64 << 20, 1280, 1 << 20, 512, 32
RESULT_BYTES_MAX, COLLECT_BYTES, ROWS_MAX, SHARDS_MAX, PARTS = 1 << 30, 4 << 30, 2**32, 100_000, 20
TASK_SECONDS = 120  # a task that is lost should not cost more


def read(name):
    path = RESULTS / f"{name}.csv"
    return list(csv.DictReader(open(path, newline=""))) if path.exists() else []


def median_of(name, column, **wanted):
    """Median of a column over the newest run of the rows that have these values."""
    rows = [row for row in read(name) if all(row[key] == value for key, value in wanted.items())]
    if not rows:
        raise SystemExit(f"bench/results/{name}.csv has no row with {wanted}")
    newest = max(row["date"] for row in rows)
    return statistics.median(float(row[column]) for row in rows if row["date"] == newest)


def slope(part, what, few="100000", many="300000"):
    """Bytes a file more, between two numbers of files, of rows that are bytes a file."""
    a, b = (median_of("spark_index", "value", part=part, what=what, count=count) for count in (few, many))
    return (b * float(many) - a * float(few)) / (float(many) - float(few))


def constants():
    """name -> (value, unit, where it is from)."""
    made = {name: (float(value), unit, f"assumed: {why}") for name, (value, unit, why) in ASSUMED.items()}
    zen4 = "AMD EPYC family 25 model 17 avx512_vnni"
    job = median_of("job", "photos_a_second", cpu=zen4, system="pomona", precision="int8", size="100x100", threads="2")
    large = median_of("job", "photos_a_second", cpu=zen4, system="pomona", precision="int8", size="3464x3464", threads="2")
    net = median_of("net", "ms_a_photo", cpu=zen4, precision="int8", engine="pomona")
    overhead = lambda engine: median_of("spark", "wall_s", part="overhead", engine=engine)
    index = lambda part, what, count: median_of("spark_index", "value", part=part, what=what, count=count)
    ls = median_of("s3", "value", part="listing", what="1000000 keys, 20 ms, pomona ls", unit="s")
    memory = read("memory")
    made.update({
        "photos/s a core": (job / 2, "photos/s", "job.csv, int8, 100x100, two threads, halved"),
        "photos/s a core, 12 megapixels": (large / 2, "photos/s", "job.csv, int8, 3464x3464, two threads, halved"),
        "spark overhead": (overhead("ps.features, ps.write, ps.moments") / overhead("pomona features (command line, with moments)"), "x",
                           "spark.csv, ps.features, ps.write and ps.moments over pomona features on the same cores"),
        "network": (net, "ms a photo", "net.csv, int8, one thread"),
        "list, pomona": (ls / 1e6, "s a key", "s3.csv, 1,000,000 keys, 20 ms a page, 16 lists"),
        "ls memory": (median_of("s3", "value", part="listing", what="1000000 keys, pomona ls, memory"), "MiB", "s3.csv, 1,000,000 keys"),
        "ls memory, a tenth": (median_of("s3", "value", part="listing", what="100000 keys, pomona ls, memory"), "MiB", "s3.csv, 100,000 keys"),
        "retries": (median_of("s3", "value", part="faults", what="requests of the disturbed run"), "x", "s3.csv, one request of five fails"),
        "shards over disk": (median_of("s3", "value", part="reading", what="S3, 20 ms, packed", unit="s")
                             / median_of("s3", "value", part="reading", what="disk", unit="s"), "x", "s3.csv, time from shards over time from disk"),
        "job memory": ((float(memory[1]["peak_rss_mb"]) - float(memory[0]["peak_rss_mb"])) * 1e6
                       / (float(memory[1]["photos"]) - float(memory[0]["photos"])), "bytes a photo", "memory.csv, 1,000 and 94,110 photos"),
        "list memory": (index("listing", "pomona features --dry-run, slope", "1000000"), "bytes a photo", "spark_index.csv, 100,000 and 1,000,000 keys"),
        "driver memory, disk": (slope("driver", "planned"), "bytes a photo", "spark_index.csv, 100,000 and 300,000 files"),
        "driver memory": (slope("s3a", "planned"), "bytes a photo", "spark_index.csv, S3A, 100,000 and 300,000 keys"),
        "LISTs, S3A": (index("s3a", "requests to list", "300000") / 300000 * 1000, "requests a 1,000 keys", "spark_index.csv"),
        "HEADs, binaryFile": (index("requests", "HEAD for a photo", "1000"), "requests a photo", "spark_index.csv, hadoop-aws 3.3.4"),
        "GETs, binaryFile": (index("requests", "GET for a photo", "1000"), "requests a photo", "spark_index.csv, hadoop-aws 3.3.4"),
        "row bytes": (index("rows", "Parquet, 1280 features", "1000"), "bytes a photo", "spark_index.csv, Parquet of synthetic photos"),
        "shard overhead": (index("rows", "shard", "1000") - index("rows", "JPEG", "1000"), "bytes a photo", "spark_index.csv, tar over JPEG"),
        "index bytes": (index("rows", "index", "1000"), "bytes a photo", "spark_index.csv"),
        "moments, a task": (index("moments", "MobileNetV2, 1280 features", str(32 * 64)), "bytes", "spark_index.csv, 2,048 rows of 1,280"),
        "moments, merged": (index("moments", "MobileNetV2, 1280 features", str(32 * 64 << 8)), "bytes", "spark_index.csv, 524,288 rows of 1,280"),
        "moments, all": (index("moments", "MobileNetV2, 1280 features", str(32 * 64 << 19)), "bytes", "spark_index.csv, 1,073,741,824 rows of 1,280"),
        "moments, 1024 features": (index("moments", "embedded, 1024 features", str(32 * 64)), "bytes", "spark_index.csv, 2,048 rows of 1,024"),
    })
    made.update({f"price, {name}": (value, "" if "share" in name else "$", f"list price: {what}") for name, (value, what) in PRICES.items()})
    return made


class Paper:
    """What can be had by arithmetic, from constants c (name -> value)."""

    def __init__(self, c):
        self.c = c
        self.machine_rate = c["photos/s a core"] * c["vCPUs"] / c["vCPUs a core"]
        self.latency = Latency(c["latency median"], c["latency sigma"], c["slow share"], c["slow factor"])
        self.shard_photo = c["photo bytes"] + c["shard overhead"]
        self.block_photos = int(BLOCK_BYTES / self.shard_photo)

    def tasks(self, photos, slots):
        """few_tasks of python/pomona/spark."""
        splits = math.ceil(photos / SPLIT_PHOTOS)
        return max(1, min(splits, max(8 * slots, splits // TASK_SPLITS)))

    def slots(self, design):
        return int(self.c["vCPUs"]) * (4 if design == "spark wide" else 1)

    def requests(self, design, photos):
        """LIST, HEAD, GET and PUT of a job; retries left out."""
        c, shards = self.c, "shards" in design or design == "fleet"
        rows = c["row bytes"] * photos
        if design.startswith("spark"):
            return {"LIST": math.ceil(photos * c["LISTs, S3A"] / 1000), "HEAD": round(photos * c["HEADs, binaryFile"]),
                    "GET": round(photos * c["GETs, binaryFile"]), "PUT": math.ceil(rows / S3A_PART_BYTES) + 2 * PARTS}
        if not shards:
            return {"LIST": math.ceil(photos / PAGE_KEYS), "HEAD": 0, "GET": photos, "PUT": math.ceil(rows / PART_BYTES) + 2 * PARTS}
        folders = math.ceil(photos / FLEET_PHOTOS) if design == "fleet" else 1
        files, index = PARTS * folders, math.ceil(photos / folders * c["index bytes"] / PART_BYTES) * folders
        return {"LIST": math.ceil(photos * self.shard_photo / SHARD_BYTES / PAGE_KEYS), "HEAD": 0,
                "GET": math.ceil(photos / self.block_photos) + index, "PUT": math.ceil(rows / PART_BYTES) + 2 * files}

    def packing(self, photos):
        """Dollars of requests to pack what lies as files once: LIST, GET of each photo, PUT of parts."""
        return (photos / PAGE_KEYS * self.c["price, PUT"] + photos * self.c["price, GET"]
                + math.ceil(photos * self.shard_photo / PART_BYTES) * self.c["price, PUT"])

    def shuffle(self, photos, tasks):
        """Bytes that Spark shuffles: (moments, features)."""
        levels, _ = tree_partitions(tasks)
        inner = sum(levels[:-1]) * self.c["moments, merged"]
        return (tasks * self.c["moments, a task"] + inner if levels else 0.0), photos * self.c["row bytes"]

    def driver(self, photos, tasks):
        """Bytes in Spark's driver: (list and plan, moments that arrive)."""
        _, arriving = tree_partitions(tasks)
        return photos * self.c["driver memory"], arriving * self.c["moments, merged"]

    def money(self, design, nodes, hours, requests):
        c = self.c
        node = c["price, m5.xlarge"]
        if design.startswith("spark"):
            rate = nodes * node * (c["price, spot share"] + c["price, EMR share"]) + node * (1 + c["price, EMR share"])
        else:
            rate = nodes * node * (c["price, spot share"] if design == "fleet" else 1)
        asked = (requests["GET"] + requests["HEAD"]) * c["price, GET"] + (requests["PUT"] + requests["LIST"]) * c["price, PUT"]
        return rate * hours, asked

    def limits(self):
        """(design, limit, line of arithmetic, photos), in ascending order."""
        c, task = self.c, SPLIT_PHOTOS * TASK_SPLITS
        gib = lambda value: f"{value / 2**30:g} GiB"
        merged = c["moments, merged"]
        most = RESULT_BYTES_MAX / merged
        requests = c["HEADs, binaryFile"] + c["GETs, binaryFile"]
        tasks = next(n for n in range(1, 10**6) if tree_partitions(n)[1] * merged > RESULT_BYTES_MAX)
        found = [
            ("machine", "a day", f"86,400 s x {self.machine_rate:,.0f} photos/s", 86400 * self.machine_rate),
            ("machine", "memory: photos are sorted by path", f"{gib(c['node memory'])} / {c['job memory']:,.0f} bytes", c["node memory"] / c["job memory"]),
            ("machine", "disk: results are made in scratch", f"{c['node disk'] / 1e9:g} GB / {c['row bytes']:,.0f} bytes", c["node disk"] / c["row bytes"]),
            ("machine", "shards of a folder", f"{SHARDS_MAX:,} x {SHARD_BYTES >> 20} MiB / {self.shard_photo:,.0f} bytes", SHARDS_MAX * SHARD_BYTES / self.shard_photo),
            ("spark", "ps.train brings features to the driver", f"{gib(COLLECT_BYTES)} / ({FLOAT_FEATURES:,} x 4 bytes)", COLLECT_BYTES / (4 * FLOAT_FEATURES)),
            ("spark", "driver memory, Spark's default", f"1 GiB / {c['driver memory']:,.0f} bytes", 2**30 / c["driver memory"]),
            ("spark", "driver memory", f"{gib(c['driver heap'])} / {c['driver memory']:,.0f} bytes", c["driver heap"] / c["driver memory"]),
            ("spark", f"ps.write: a file of 1 GB, at {PARTS} files", f"{PARTS} x 1 GB / {c['row bytes']:,.0f} bytes", PARTS * 1e9 / c["row bytes"]),
            ("spark", "moments that arrive: spark.driver.maxResultSize",
             f"{gib(RESULT_BYTES_MAX)} / {merged / 1e6:.2f} MB = {most:,.0f} moments, of {tasks:,} tasks x {task:,} photos", tasks * task),
            ("spark", "disks: kept and shuffled features, 50 nodes", f"50 x {c['node disk'] / 1e9:g} GB / (2 x {c['row bytes']:,.0f} bytes)",
             50 * c["node disk"] / (2 * c["row bytes"])),
            ("spark", "kept features are lost as fast as they are made, 50 nodes",
             f"1 / {c['losses']:g} h x 3,600 x {50 * self.slots('spark')} tasks / {requests * self.latency.mean():.4f} s",
             3600 / c["losses"] * 50 * self.slots("spark") / (requests * self.latency.mean())),
            ("both", "rows of moments", "2^32", float(ROWS_MAX)),
        ]
        return sorted(found, key=lambda limit: limit[3])


class Simulated:
    """Times of tasks, drawn from a pool of simulated ones, and what becomes of them on machines."""

    def __init__(self, paper, seed):
        self.paper, self.c = paper, paper.c
        rng = np.random.default_rng([seed, 0])
        c, task = self.c, SPLIT_PHOTOS * TASK_SPLITS
        requests = round(task * (c["HEADs, binaryFile"] + c["GETs, binaryFile"]))
        self.serial = one_after_another(paper.latency, rng, requests, 400)
        self.files = np.maximum(stream_blocks(paper.latency, rng, LANES, task, 100), task * c["photo bytes"] / c["node network"])
        self.blocks = np.maximum(stream_blocks(paper.latency, rng, LANES, math.ceil(task / paper.block_photos), 400),
                                 task * paper.shard_photo / c["node network"])
        self.flying = np.array([in_flight(paper.latency.draw(rng, task), LANES)[-1] for _ in range(50)])

    def task(self, design, photos):
        """(draw of seconds, tasks, slots a node) for a job on these photos, before losses and stragglers."""
        paper, c = self.paper, self.c
        size = SPLIT_PHOTOS * TASK_SPLITS
        if design.startswith("machine"):
            pool = self.blocks if "shards" in design else self.files
            seconds = np.maximum(pool, size / paper.machine_rate)
            return lambda rng, count: rng.choice(seconds, count), math.ceil(photos / size), 1
        if design == "fleet":
            each = np.maximum(self.blocks, size / paper.machine_rate).mean() * min(photos, FLEET_PHOTOS) / size
            return lambda rng, count: np.full(count, each), math.ceil(photos / FLEET_PHOTOS), 1
        slots = paper.slots(design)
        tasks = paper.tasks(photos, NODES[round(math.log10(photos))] * slots)
        share = photos / tasks / size  # small jobs have smaller tasks
        compute = size * slots * c["spark overhead"] / paper.machine_rate
        batches = size / BATCH_PHOTOS  # the next one is read while one is computed
        seconds = (np.maximum(self.serial, compute) + np.minimum(self.serial, compute) / batches) * share
        return lambda rng, count: rng.choice(seconds, count), tasks, slots

    def job(self, design, photos, nodes, seed):
        draw, tasks, slots = self.task(design, photos)
        rng = np.random.default_rng([seed, photos, list(DESIGNS).index(design) + 1])
        alone = design.startswith("machine")
        c = self.c
        cluster = Cluster(nodes, slots) if alone else Cluster(
            nodes, slots, c["losses"] / 3600, c["away"], design.startswith("spark"), c["failing"], 4, c["straggling"], 3.0, 1e8)
        return run(cluster, tasks, draw, rng), tasks, slots


def rows_of(made, magnitudes, seed):
    """All rows of the CSV: photos, design, what, value, unit, where a constant is from."""
    c = {name: value for name, (value, _, _) in made.items()}
    paper = Paper(c)
    simulated = Simulated(paper, seed)
    rows = [(0, "constant", name, value, unit, source) for name, (value, unit, source) in made.items()]
    task = SPLIT_PHOTOS * TASK_SPLITS
    for what, value in (("read a task, one after another", simulated.serial.mean()), ("read a task, 32 in flight", simulated.flying.mean()),
                        ("read a task, shards, 32 in flight", simulated.blocks.mean()),
                        ("compute a task, Spark, one vCPU", task * c["vCPUs"] * c["spark overhead"] / paper.machine_rate)):
        rows.append((task, "read", what, value, "s", ""))
    for design, what, _, photos in paper.limits():
        rows.append((0, "limit", f"{design}: {what}", photos, "photos", ""))
    for magnitude in magnitudes:
        photos = 10**magnitude
        rows.append((photos, "all", "packing", paper.packing(photos), "$", ""))
        for design in DESIGNS:
            alone, spark = design.startswith("machine"), design.startswith("spark")
            nodes = 1 if alone else NODES[magnitude]
            rounds = 20 if magnitude < 8 else 5 if magnitude < 9 else 3
            outcomes = [simulated.job(design, photos, nodes, seed * 1000 + round) for round in range(1 if alone else rounds)]
            runs, tasks = [outcome for outcome, _, _ in outcomes], outcomes[0][1]
            listed = photos * c["list, pomona"] if not spark else math.ceil(photos * c["LISTs, S3A"] / 1000) * paper.latency.mean()
            if design in ("machine shards", "fleet"):
                listed = 0.0
            moments, features = paper.shuffle(photos, tasks) if spark else (0.0, 0.0)
            moving = (2 * moments + 3 * features) / (nodes * c["node disk rate"])
            start = c["start, machine"] if alone else c["start, cluster"] if spark else 2 * c["start, machine"]
            fixed = listed + moving + start
            hours = sorted((outcome.seconds + fixed) / 3600 for outcome in runs)
            asked = paper.requests(design, photos)
            compute, requests = paper.money(design, nodes, statistics.median(hours), asked)
            memory, arriving = paper.driver(photos, tasks) if spark else (photos * c["job memory"], 0.0)
            if design == "fleet":
                memory = min(photos, FLEET_PHOTOS) * c["job memory"]
            values = {
                "nodes": (nodes, ""), "tasks": (tasks, ""), **{name: (count, "requests") for name, count in asked.items()},
                "read": (photos * (paper.shard_photo if design in ("machine shards", "fleet") else c["photo bytes"]), "bytes"),
                "shuffled moments": (moments, "bytes"), "shuffled features": (features, "bytes"), "memory": (memory, "bytes"),
                "moments to the driver": (arriving, "bytes"), "listing": (listed / 3600, "h"), "moving": (moving / 3600, "h"),
                "hours": (statistics.median(hours), "h"), "hours, worst": (hours[-1], "h"),
                "losses": (statistics.median(outcome.losses for outcome in runs), "nodes"),
                "lost work": (100 * statistics.mean(outcome.lost / (outcome.busy + outcome.lost) for outcome in runs), "%"),
                "requests a second": ((asked["GET"] + asked["HEAD"]) / statistics.median(outcome.seconds for outcome in runs), "1/s"),
                "compute": (compute, "$"), "requests": (requests, "$"), "money": (compute + requests, "$"),
            }
            rows += [(photos, design, what, value, unit, "") for what, (value, unit) in values.items()]
            print(f"  10^{magnitude} {design:15} {values['hours'][0]:10.2f} h {values['money'][0]:12.2f} $", flush=True)
    return rows


def constants_of(rows):
    """Those that rows of the CSV were made with."""
    return {row["what"]: (float(row["value"]), row["unit"], row["note"]) for row in rows if row["design"] == "constant"}


def as_text(value):
    return f"{value:.10g}"


def write(rows, path=RESULTS / "scale.csv", page=ROOT / "docs/scale.md", image=ROOT / "docs/images/scale.svg"):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "machine", "photos", "design", "what", "value", "unit", "note"])
        for photos, design, what, value, unit, note in rows:
            writer.writerow([date, "simulation", photos, design, what, as_text(value), unit, note])
    kept = list(csv.DictReader(open(path, newline="")))
    page.write_text(scale_page.marked(scale_page.filled(page.read_text(), blocks(kept)), kept))
    image.write_text(scale_page.plot(kept, DESIGNS))


def blocks(rows):
    """The tables of docs/scale.md, by name, from rows of the CSV."""
    paper = Paper({name: value for name, (value, _, _) in constants_of(rows).items()})
    return scale_page.tables(rows, DESIGNS, paper.limits())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--magnitudes", type=int, nargs="+", choices=NODES, default=list(NODES))
    parser.add_argument("--write", action="store_true", help="replace the CSV, the page's tables and the plot")
    options = parser.parse_args()
    made = constants()
    rows = rows_of(made, options.magnitudes, options.seed)
    if options.write:
        write(rows)


if __name__ == "__main__":
    main()
