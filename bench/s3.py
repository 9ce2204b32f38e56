"""S3 against a disk, against Python, and against what the servers themselves can do. versitygw is the server, on the same cores.

usage: s3.py [--count 10000] [--rounds 3] [--parts reading peers faults listing throughput] [--keep]

reading     pomona features, fp32, MobileNetV2: photos on disk, in S3, and in S3 behind a proxy that adds 20 ms to every request; also packed
peers       the same work by boto3 and s3fs (threads and processes tuned), Pillow and ONNX Runtime, behind the same proxy
faults      requests when 20 % of them fail, and whether the bytes are the same
listing     1,000,000 keys of a scripted server against reading its pages without looking at them; peak memory
throughput  1 GiB from the server to memory (/dev/shm) and back against curl

Server and proxy take their share of the cores that pomona computes on; their processor seconds are in the rows.
"""
import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import common
import loopback  # common has put tests/ on the path

LATENCY = "default latency 20\n"
FAULTS = """match GET */photos/* rate 0.05 seed 1 -> status 503 SlowDown
match GET */photos/* rate 0.05 seed 2 -> status 500
match GET */photos/* rate 0.05 seed 3 -> reset
match GET */photos/* rate 0.02 seed 4 -> cut 100
match GET */photos/* rate 0.03 seed 5 -> corrupt
"""


def processor_seconds(process):
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def put(server, bucket, folder, prefix):
    """The photos of a folder into a new bucket."""
    server.client().create_bucket(Bucket=bucket)
    run(server.url, server, "cp", folder, f"s3://{bucket}/{prefix}", "--recursive", "-q")


def run(url, server, *arguments, **options):
    """Runs pomona against `url`: seconds and usage."""
    return common.timed([common.POMONA, *arguments], env={**os.environ, **server.environment(server.folder, url)}, **options)


def peak_mebibytes(url, server, *arguments):
    _, usage = run(url, server, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return usage.ru_maxrss / 1024


def digest(out):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((out / "Results").glob("part-*"))}


class Rows:
    def __init__(self):
        self.rows, self.values = [], {}

    def add(self, part, what, number, value, unit, note=""):
        self.values.setdefault((part, what, unit), []).append(value)
        self.rows.append({"part": part, "what": what, "round": number, "value": f"{value:.4f}", "unit": unit, "note": note})
        print(f"  {part:10} {what:34} {value:12.3f} {unit}  {note}", flush=True)

    def median(self, part, what, unit):
        return common.spread(self.values[part, what, unit])[0]


def reading(rows, server, options):
    photos = common.corpus(options.count)
    put(server, "reading", photos, "photos")
    run(server.url, server, "pack", photos, "--out", "s3://reading/packed", "-q")
    out = common.WORK / "s3-out"
    with loopback.FaultProxy(server.url, LATENCY) as proxy:
        sources = {"disk": (photos, server.url), "S3": ("s3://reading/photos", server.url),
                   "S3, 20 ms": ("s3://reading/photos", proxy.url), "S3, 20 ms, packed": ("s3://reading/packed", proxy.url)}
        run(server.url, server, "features", photos, "--out", out, "--overwrite", "--limit", "500", "-q")
        for number in range(options.rounds):
            for what, (source, url) in sources.items():
                before = processor_seconds(server.process) + processor_seconds(proxy.process)
                seconds, usage = run(url, server, "features", source, "--model", common.MODEL, "--precision", "fp32", "--threads", "2",
                                     "--out", out, "--overwrite", "-q")
                servers = processor_seconds(server.process) + processor_seconds(proxy.process) - before
                rows.add("reading", what, number, seconds, "s",
                         f"{options.count} photos; processor: pomona {usage.ru_utime + usage.ru_stime:.2f} s, server and proxy {servers:.2f} s")
            seconds, usage = run(proxy.url, server, "features", "s3://reading/photos", "--model", common.MODEL, "--precision", "fp32",
                             "--threads", "2", "--out", "s3://reading/out", "--overwrite", "-q")
            rows.add("reading", "S3, 20 ms, to S3", number, seconds, "s",
                     f"{options.count} photos; processor: pomona {usage.ru_utime + usage.ru_stime:.2f} s")
    for what in ("S3", "S3, 20 ms", "S3, 20 ms, packed", "S3, 20 ms, to S3"):
        print(f"{what}: {rows.median('reading', what, 's') / rows.median('reading', 'disk', 's'):.3f} x the time of the disk")


def peers(rows, server, options):
    count = min(options.count, 2000)
    photos = common.corpus(count)
    put(server, "peers", photos, "photos")
    out = common.WORK / "s3-peer"
    with loopback.FaultProxy(server.url, LATENCY) as proxy:
        environment = {**os.environ, **server.environment(common.WORK, proxy.url)}

        def peer(client, threads, processes, batch):
            shutil.rmtree(out, ignore_errors=True)
            return common.timed([sys.executable, common.ROOT / "bench/python_pipeline.py", "s3://peers/photos", out, common.MODEL,
                                 "--client", client, "--threads", threads, "--processes", processes, "--batch", batch],
                                env=environment, stdout=subprocess.DEVNULL)[0]

        # Coordinate by coordinate: client and reads under way, then processes (one computes with two threads), then the batch.
        tuning = {(client, threads, 2, 2): peer(client, threads, 2, 2) for client in ("boto3", "s3fs") for threads in (8, 16, 32, 64)}
        best = min(tuning, key=tuning.get)
        tuning[*best[:2], 1, 2] = peer(*best[:2], 1, 2)
        best = min(tuning, key=tuning.get)
        tuning.update({(*best[:3], batch): peer(*best[:3], batch) for batch in (1, 4, 8)})
        for (client, threads, processes, batch), seconds in tuning.items():
            print(f"  tuning: {client}, {threads} reads under way in each of {processes} processes, batch {batch}: {seconds:.2f} s", flush=True)
        best = min(tuning, key=tuning.get)
        for number in range(options.rounds):
            seconds, _ = run(proxy.url, server, "features", "s3://peers/photos", "--model", common.MODEL, "--precision", "fp32", "--threads",
                             "2", "--out", common.WORK / "s3-out", "--overwrite", "-q")
            rows.add("peers", "pomona", number, count / seconds, "photos/s", f"{count} photos, start included, 20 ms")
            seconds = peer(*best)
            rows.add("peers", "python", number, count / seconds, "photos/s",
                     f"{best[0]}, {best[1]} threads in each of {best[2]} processes, batch {best[3]}, Pillow, ONNX Runtime, start included, 20 ms")
    print(f"pomona is {rows.median('peers', 'pomona', 'photos/s') / rows.median('peers', 'python', 'photos/s'):.2f} times as fast")


def faults(rows, server, options):
    count = min(options.count, 5000)
    put(server, "faults", common.corpus(count), "photos")
    outs, requests = [], []
    for number, script in enumerate(("", FAULTS)):
        outs.append(common.WORK / f"s3-faults-{number}")
        with loopback.FaultProxy(server.url, script) as proxy:
            run(proxy.url, server, "features", "s3://faults/photos", "--out", outs[-1], "--overwrite", "-q")
            report = proxy.report()
        requests.append(report["requests"])
        rows.add("faults", "with faults" if script else "undisturbed", 0, report["requests"], "requests",
                 f"{count} photos; {sum(report['faults'].values())} faults")
    same = digest(outs[0]) == digest(outs[1])
    rows.add("faults", "requests of the disturbed run", 0, requests[1] / requests[0], "x", "the bytes are the same" if same else "THE BYTES DIFFER")


def listing(rows, server, options):
    for keys in (100_000, 1_000_000):
        with loopback.ListServer("--keys", str(keys), "--prefixes", "100") as lists:
            for number in range(options.rounds if keys == 1_000_000 else 1):
                raw, _ = common.timed(["curl", "-sf", "-o", "/dev/null", f"{lists.url}/raw?prefix="])
                pages = common.timed([sys.executable, "-c", PAGES, lists.url])[0]
                seconds, usage = run(lists.url, server, "ls", "s3://bucket/", "--recursive", stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
                rows.add("listing", f"{keys} keys, pages in a row, unread", number, pages, "s", "one connection, start of Python included")
                rows.add("listing", f"{keys} keys, all as one body, unread", number, raw, "s", "curl")
                rows.add("listing", f"{keys} keys, pomona ls", number, seconds, "s", f"processor {usage.ru_utime + usage.ru_stime:.2f} s")
                rows.add("listing", f"{keys} keys, pomona ls, memory", number,
                         peak_mebibytes(lists.url, server, "ls", "s3://bucket/", "--recursive"), "MiB")
    with loopback.ListServer("--keys", "1000000", "--prefixes", "100", "--latency", "20") as lists:
        for number in range(options.rounds):
            pages = common.timed([loopback.program("http_load"), "--connections", LISTS, "--requests", "1000", lists.address,
                                  *pages_of(1000000, 100)], stdout=subprocess.DEVNULL)[0]
            seconds, _ = run(lists.url, server, "ls", "s3://bucket/", "--recursive", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            rows.add("listing", "1000000 keys, 20 ms, unread", number, pages, "s", f"the same pages on {LISTS} connections, http_load")
            rows.add("listing", "1000000 keys, 20 ms, pomona ls", number, seconds, "s", "16 lists side by side")
    print(f"listing, 20 ms: {rows.median('listing', '1000000 keys, 20 ms, pomona ls', 's') / rows.median('listing', '1000000 keys, 20 ms, unread', 's'):.2f} x")
    what = "1000000 keys, "
    print(f"listing: {rows.median('listing', what + 'pomona ls', 's') / rows.median('listing', what + 'pages in a row, unread', 's'):.2f} x "
          "the pages in a row")


LISTS = 16  # connections: what place_s3_list.c has under way


def pages_of(keys, folders):
    """The pages of the list server's keys (tests/store/servers/list_page.h), each by the key before it, so that they can be asked for in any order."""
    each = keys // folders
    return [f"/bucket?list-type=2&encoding-type=url&prefix=photos/class-{folder:03}/"
            + (f"&start-after=photos/class-{folder:03}/img-{first - 1:07}.jpg" if first % each else "")
            for folder in range(folders) for first in range(folder * each, folder * each + each, 1000)]


PAGES = """
import http.client, re, sys, urllib.parse
connection, token = http.client.HTTPConnection(sys.argv[1].removeprefix("http://")), ""
while token is not None:
    connection.request("GET", "/bucket?list-type=2&prefix=" + (token and "&continuation-token=" + urllib.parse.quote(token, safe="")))
    page = connection.getresponse().read()
    head = page[:2000] + page[-2000:]
    found = re.search(rb"<NextContinuationToken>(.*?)</NextContinuationToken>", head)
    token = found and found[1].decode()
"""

PART = 8 << 20  # of pomona's uploads and downloads, six under way


def curl_in_parts(client, big, size):
    """curl's upload of the same parts, as many side by side, and the server's step that joins them: seconds of both and of the last."""
    id = client.create_multipart_upload(Bucket="large", Key="parts")["UploadId"]
    parts = []
    with open(big, "rb") as file:
        for number in range(1, size // PART + 1):
            parts.append(big.parent / f"part-{number}")
            parts[-1].write_bytes(file.read(PART))
    url = lambda number: client.generate_presigned_url("upload_part", Params={"Bucket": "large", "Key": "parts", "UploadId": id, "PartNumber": number})
    arguments = [word for number, part in enumerate(parts, 1) for word in ("-T", part, url(number))]
    seconds, _ = common.timed(["curl", "-sfZ", "--parallel-max", "6", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for part in parts:
        part.unlink()
    sent = client.list_parts(Bucket="large", Key="parts", UploadId=id)["Parts"]
    start = time.perf_counter()
    client.complete_multipart_upload(Bucket="large", Key="parts", UploadId=id,
                                     MultipartUpload={"Parts": [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in sent]})
    joining = time.perf_counter() - start
    return seconds + joining, joining


def throughput(rows, server, options):
    size = 1 << 30
    memory = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        big = memory / "big"
        with open(big, "wb") as file:
            for _ in range(size >> 24):
                file.write(os.urandom(1 << 24))
        client = server.client()
        client.create_bucket(Bucket="large")
        url = lambda what, key: client.generate_presigned_url(what, Params={"Bucket": "large", "Key": key}, ExpiresIn=3600)
        for number in range(options.rounds):
            seconds, _ = common.timed(["curl", "-sf", "-T", big, url("put_object", "curl")])
            rows.add("throughput", "up, curl", number, size / seconds / 1e6, "MB/s")
            seconds, joining = curl_in_parts(client, big, size)
            rows.add("throughput", "up, curl in parts", number, size / seconds / 1e6, "MB/s", f"the server joins them in {joining:.2f} s of {seconds:.2f} s")
            before = processor_seconds(server.process)
            seconds, usage = run(server.url, server, "cp", big, "s3://large/pomona", "--overwrite", "-q")
            rows.add("throughput", "up, pomona cp", number, size / seconds / 1e6, "MB/s",
                     f"with SHA-256 and CRC-32C, {seconds:.2f} s; processor: pomona {usage.ru_utime + usage.ru_stime:.2f} s, "
                     f"server {processor_seconds(server.process) - before:.2f} s")
            big2 = memory / "back"
            seconds, _ = common.timed(["curl", "-sf", "-o", big2, url("get_object", "pomona")])
            big2.unlink()
            rows.add("throughput", "down, curl", number, size / seconds / 1e6, "MB/s")
            seconds, _ = common.timed(["curl", "-sf", "-o", "/dev/null", url("get_object", "pomona")])
            rows.add("throughput", "down, curl to /dev/null", number, size / seconds / 1e6, "MB/s")
            seconds, _ = run(server.url, server, "cp", "s3://large/pomona", big2, "-q")
            big2.unlink()
            rows.add("throughput", "down, pomona cp", number, size / seconds / 1e6, "MB/s")
    finally:
        shutil.rmtree(memory)
    for way, peer in (("up", "curl"), ("up", "curl in parts"), ("down", "curl")):
        ours, theirs = (rows.median("throughput", f"{way}, {name}", "MB/s") for name in ("pomona cp", peer))
        print(f"{way}: {ours / theirs:.2f} x {peer}")


def main():
    parts = {"reading": reading, "peers": peers, "faults": faults, "listing": listing, "throughput": throughput}
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--keep", action="store_true", help="add the rows to bench/results/s3.csv")
    options = parser.parse_args()
    common.WORK.mkdir(parents=True, exist_ok=True)
    rows = Rows()
    folder = tempfile.mkdtemp(dir=common.WORK)
    os.environ.setdefault("GOGC", "800")
    try:
        for part in options.parts:
            # Reading small objects, the server works for one core at most; a large one it hashes on both.
            os.environ["GOMAXPROCS"] = "2" if part == "throughput" else "1"
            # Gigabytes stay off the disk, whose writing would be in the way of what comes next.
            where = tempfile.mkdtemp(dir="/dev/shm" if part == "throughput" else folder)
            server = loopback.S3Server(pathlib.Path(where))
            try:
                parts[part](rows, server, options)
            finally:
                server.discard()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.keep:
        common.append_rows("s3", rows.rows)


main()
