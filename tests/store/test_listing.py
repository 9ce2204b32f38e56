"""How a bucket is listed: every key once, whatever its tree and the size of the server's pages, with no request more than it takes."""
import http.server
import json
import random
import re
import threading
import urllib.parse
from xml.sax.saxutils import escape

import pytest

SERVER_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


class Lists(http.server.BaseHTTPRequestHandler):
    """ListObjectsV2 over server.keys, server.page of them at a time; server.spoil(query, body) may change an answer."""
    protocol_version, wbufsize = "HTTP/1.1", -1  # an answer is one packet

    def log_message(self, *_):
        pass

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
        self.server.asked.append(query)
        prefix, delimiter = query["prefix"], query.get("delimiter")
        after = "" if self.server.ignores_start_after else query.get("start-after", "")
        entries = []  # keys and groups in the order of their bytes
        for key in self.server.keys:
            if not key.startswith(prefix) or key <= after:
                continue
            rest = key[len(prefix):]
            group = prefix + rest.partition(delimiter)[0] + delimiter if delimiter and delimiter in rest else None
            if not entries or (group or key) != entries[-1][0]:
                entries.append((group or key, bool(group)))
        start = int(query.get("continuation-token", "token-0")[6:])
        shown, more = entries[start:start + self.server.page], start + self.server.page < len(entries)
        said = "".join(f"<Contents><Key>{escape(urllib.parse.quote(name))}</Key><Size>{len(name)}</Size></Contents>" for name, group in shown
                       if not group)
        said += "".join(f"<CommonPrefixes><Prefix>{escape(urllib.parse.quote(name))}</Prefix></CommonPrefixes>" for name, group in shown if group)
        if more:
            said += f"<NextContinuationToken>token-{start + self.server.page}</NextContinuationToken>"
        body = (f"<ListBucketResult>{said}<EncodingType>url</EncodingType><IsTruncated>{'true' if more else 'false'}</IsTruncated>"
                "</ListBucketResult>")
        body = self.server.spoil(query, body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # sixteen connect at once

    def handle_error(self, *_):  # a client that had enough
        pass


@pytest.fixture
def listed(pomona, tmp_path):
    """listed(keys, page) is what `pomona ls --recursive` says; listed.asked are the queries."""
    with Server(("127.0.0.1", 0), Lists) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        environment = {"HOME": str(tmp_path), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", **SERVER_ENVIRONMENT}

        def run(keys, page, below="", status=0, ignores_start_after=False, spoil=lambda _, body: body):
            server.keys, server.page, server.asked = sorted(keys, key=str.encode), page, []
            server.ignores_start_after, server.spoil = ignores_start_after, spoil
            run.asked = server.asked
            run.done = pomona("ls", f"s3://bucket/{below}", "--recursive", "--json", env=environment, status=status)
            return [json.loads(line)["name"] for line in run.done.stdout.splitlines()]

        yield run
        server.shutdown()


def check(names, keys):
    assert len(names) == len(keys)
    assert sorted(names, key=str.encode) == sorted(keys, key=str.encode)
    folders = {}  # within a folder names come in order
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    for inside in folders.values():
        assert inside == sorted(inside, key=str.encode)


def levels(listed):
    return sum("delimiter" in query for query in listed.asked)


def test_a_flat_folder_is_asked_once(listed):
    keys = [f"{number:04}.jpg" for number in range(95)]
    check(listed(keys, 10), keys)
    assert len(listed.asked) == 10 and levels(listed) == 0


def test_folders_are_listed_each_in_turn(listed):
    """Sixteen are under way at once: no folder's second page is asked for before all folders have begun, so that they end together."""
    keys = [f"class-{folder}/{number:03}.jpg" for folder in range(20) for number in range(50)]
    begun, all_begun, waits = set(), threading.Event(), []

    def hold(query, body):
        if query["prefix"]:
            begun.add(query["prefix"])
            if len(begun) == 20:
                all_begun.set()
            if "continuation-token" in query:
                waits.append(all_begun.wait(2))
        return body

    check(listed(keys, 20, spoil=hold), keys)
    assert levels(listed) == 1 and len(listed.asked) == 2 + 20 * 3 and all(waits)


@pytest.mark.parametrize("ignores", [False, True], ids=["start-after", "no-start-after"])
def test_keys_before_the_first_folder(listed, ignores):
    keys = [f"a{number:03}.jpg" for number in range(42)] + [f"b/{folder}/{number:03}" for folder in range(8) for number in range(12)] + \
        [f"c{number}" for number in range(3)]
    check(listed(keys, 10, ignores_start_after=ignores), keys)
    looks = [query for query in listed.asked if "delimiter" in query]
    assert looks[0]["start-after"] == "a041.jpg"
    if ignores:  # what was handed over would come again: pages to the end
        assert levels(listed) == 1 and len(listed.asked) == 1 + 15
    else:
        assert {f"b/{folder}/" for folder in range(8)} <= {query["prefix"] for query in listed.asked}


def test_too_many_folders_are_pages(listed):
    keys = [f"{folder:04}/{name}" for folder in range(700) for name in "ab"]
    check(listed(keys, 1000), keys)
    assert levels(listed) == 1 and len(listed.asked) == 3
    check(listed(keys, 100), keys)
    assert levels(listed) == 1 and len(listed.asked) == 15


@pytest.mark.parametrize("seed", range(12))
def test_any_tree(listed, seed):
    rng = random.Random(seed)
    keys = set()
    for _ in range(rng.choice([1, 30, 300, 1500])):
        depth = rng.choice([0, 0, 1, 1, 2, 3, 5])
        keys.add("/".join([rng.choice(["a", "b ", "ü", "%", "x.y", "z+", "_", "-"]) + str(rng.randrange(3)) for _ in range(depth)]
                          + [rng.choice(["", f"{rng.randrange(400)}.jpg", "~" + str(rng.randrange(9))])]))
    keys.discard("")
    for page in (1, 7, 1000) if len(keys) < 100 else (13, 100):
        check(listed(keys, page, ignores_start_after=seed % 3 == 2), keys)


def test_below_a_prefix(listed):
    keys = ["x/1", "x/2", "x/y/1", "x/y/2", "x/y/3", "x0", "xx/1"]
    check(listed(keys, 2, below="x"), [key[2:] for key in keys if key.startswith("x/")])
    check(listed(keys, 2, below="x/y/"), ["1", "2", "3"])


def test_a_page_that_can_not_be_read(listed):
    """Also far into a listing, when pages are read by threads: an error, and no total."""
    keys = [f"{folder}/{number:03}" for folder in range(9) for number in range(50)]

    def spoil(query, body):
        if query["prefix"] == "4/" and query.get("continuation-token") == "token-40":
            return body[:-30]
        return body

    names = listed(keys, 10, status=None, spoil=spoil)
    assert listed.done.returncode == 4 or listed.done.returncode == 2, listed.done
    assert "XML" in listed.done.stderr and len(names) == len(set(names)) < len(keys)

    def endless(query, body):
        return re.sub("<NextContinuationToken>.*?</NextContinuationToken>", "", body) if query["prefix"] == "7/" else body

    listed(keys, 10, status=None, spoil=endless)
    assert listed.done.returncode in (2, 4) and "does not say where" in listed.done.stderr
