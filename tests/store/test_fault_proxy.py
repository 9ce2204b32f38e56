"""Each fault of fault_proxy as a client sees it, and that it changes nothing when it should not. The server is Python's."""
import concurrent.futures
import email.utils
import hashlib
import http.client
import http.server
import json
import re
import signal
import socket
import struct
import threading
import time
import xml.etree.ElementTree

import pytest

from loopback import program

BODY = bytes(range(256)) * 20  # 5,120 bytes
CHUNKS = [b"first", b"x" * 70000, b"last"]


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, body, code=200):
        self.server.seen.append((self.command, self.path))
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/chunked":
            self.server.seen.append((self.command, self.path))
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in CHUNKS:
                self.wfile.write(b"%x;why=not\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\nTrailer: yes\r\n\r\n")
        elif self.path == "/host":
            self.answer(self.headers["Host"].encode())
        elif self.path == "/old":  # a body that ends with the connection
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(BODY)
        elif self.path == "/leaves":  # says nothing of it, and goes
            self.answer(b"bye")
            self.close_connection = True
        else:
            self.answer(b"" if self.path == "/empty" else BODY)

    do_HEAD = do_GET

    def do_PUT(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(hashlib.sha256(body).hexdigest().encode())

    do_POST = do_PUT

    def do_DELETE(self):
        self.answer(b"", 204)

    def handle_expect_100(self):
        if self.path == "/refused":
            self.answer(b"no", 403)
            self.close_connection = True
            return False
        return super().handle_expect_100()


@pytest.fixture(scope="module")
def upstream():
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_):  # connections that end are what is tried here
            pass

    server = Server(("127.0.0.1", 0), Upstream)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream, fault_proxy):
    upstream.seen.clear()
    return fault_proxy(f"127.0.0.1:{upstream.server_port}")


def connect(proxy):
    return http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)


def ask(proxy, method="GET", path="/a", body=None, headers=(), connection=None):
    """Status, headers and body, on a connection of its own or a kept one."""
    own = connection or connect(proxy)
    own.request(method, path, body, dict(headers))
    answer = own.getresponse()
    result = answer.status, answer.headers, answer.read()
    if not connection:
        own.close()
    return result


def error_of(body):
    tree = xml.etree.ElementTree.fromstring(body)
    assert tree.tag == "Error"
    return {child.tag: child.text for child in tree}


def raw(proxy, request, size=1 << 20):
    """Everything that comes back until the connection ends; raises ConnectionResetError on RST."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as connection:
        connection.sendall(request)
        out = b""
        while len(out) < size and (got := connection.recv(1 << 16)):
            out += got
        return out


def faults(proxy):
    return {name: count for name, count in proxy.report()["faults"].items() if count}


# ---- nothing is wrong ----

def test_passes_on_every_kind_of_body(proxy):
    connection = connect(proxy)
    for _ in range(3):
        assert ask(proxy, path="/a", connection=connection)[2] == BODY
        assert ask(proxy, path="/empty", connection=connection)[2] == b""
        assert ask(proxy, path="/chunked", connection=connection)[2] == b"".join(CHUNKS)
        status, headers, body = ask(proxy, "HEAD", connection=connection)
        assert (status, headers["Content-Length"], body) == (200, str(len(BODY)), b"")
        assert ask(proxy, "DELETE", connection=connection)[0] == 204
        for size in (0, 1, 5000, 1_000_000):
            sent = (BODY * 200)[:size]
            assert ask(proxy, "PUT", body=sent, connection=connection)[2].decode() == hashlib.sha256(sent).hexdigest()
        pieces = [b"a" * 10, b"b" * 100000]
        connection.request("POST", "/a", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        assert connection.getresponse().read().decode() == hashlib.sha256(b"".join(pieces)).hexdigest()
    report = proxy.report()
    assert report["requests"] == report["passed"] == 30
    assert report["methods"] == {"GET": 9, "HEAD": 3, "PUT": 12, "POST": 3, "DELETE": 3, "other": 0}
    assert report["connections"] == {"all": 1, "open": 1, "most": 1, "most_busy": 1}
    assert not faults(proxy) and report["bytes"]["up"] > 3_000_000 and report["bytes"]["down"] > 3 * 75_000


def test_passes_on_bytes_as_they_are(proxy, upstream):
    request = b"GET /host HTTP/1.1\r\nHost: bucket.example:1234\r\nX-odd:  spaces  kept \r\nConnection: close\r\n\r\n"
    straight = raw(type("", (), {"port": upstream.server_port}), request)
    through = raw(proxy, request)
    assert through.endswith(b"bucket.example:1234")
    date = re.compile(rb"\r\nDate: [^\r]*")
    assert date.sub(b"", through) == date.sub(b"", straight)


def test_two_requests_in_one_packet(proxy):
    both = raw(proxy, b"GET /host HTTP/1.1\r\nHost: one\r\n\r\nGET /host HTTP/1.1\r\nHost: two\r\nConnection: close\r\n\r\n")
    assert both.count(b"HTTP/1.1 200") == 2 and b"one" in both and both.endswith(b"two")


def test_body_that_ends_with_the_connection(proxy):
    assert raw(proxy, b"GET /old HTTP/1.1\r\nHost: x\r\n\r\n").endswith(BODY)


def test_server_that_leaves_a_kept_connection(proxy):
    connection = connect(proxy)
    for _ in range(5):
        assert ask(proxy, path="/leaves", connection=connection)[2] == b"bye"
        time.sleep(0.02)
    assert proxy.report()["server_lost"] == 0


def continue_request(path, size):
    return f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n".encode()


def test_waits_with_the_body_for_100_continue(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as connection:
        for _ in range(2):
            connection.sendall(continue_request("/a", len(BODY)))
            assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(BODY)
            answer = connection.recv(4096)
            while not answer.endswith(hashlib.sha256(BODY).hexdigest().encode()):
                answer += connection.recv(4096)
    refused = raw(proxy, continue_request("/refused", 1 << 30))
    assert refused.startswith(b"HTTP/1.1 403") and b"100 Continue" not in refused
    proxy.script("match PUT * -> status 503")
    refused = raw(proxy, continue_request("/a", 1 << 30))
    assert refused.startswith(b"HTTP/1.1 503") and b"Connection: close" in refused


def test_server_that_is_not_there(fault_proxy):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        proxy = fault_proxy(f"127.0.0.1:{nobody.getsockname()[1]}")
        assert raw(proxy, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert proxy.report()["server_lost"] == 1


def test_what_is_no_request(proxy):
    assert raw(proxy, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(proxy, b"GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n").startswith(b"HTTP/1.1 400")


# ---- faults ----

@pytest.mark.parametrize("fault, status, code", [
    ("status 503 SlowDown", 503, "SlowDown"), ("status 503 ServiceUnavailable", 503, "ServiceUnavailable"),
    ("status 500", 500, "InternalError"), ("status 403", 403, "AccessDenied"), ("status 404 NoSuchBucket", 404, "NoSuchBucket"),
    ("status 412", 412, "PreconditionFailed"), ("status 429", 429, "TooManyRequests"), ("error200", 200, "InternalError"),
    ("error200 SlowDown", 200, "SlowDown")])
def test_refusals(proxy, upstream, fault, status, code):
    proxy.script(f"match * */photos/* -> {fault}")
    connection = connect(proxy)
    for method, sent in (("GET", None), ("PUT", BODY), ("POST", b"<x/>"), ("DELETE", None)):
        got, headers, body = ask(proxy, method, "/bucket/photos/a%20b.jpg?x=1&y=2", sent, connection=connection)
        error = error_of(body)
        assert (got, error["Code"], error["Resource"]) == (status, code, "/bucket/photos/a%20b.jpg")
        assert headers["Content-Type"] == "application/xml" and headers["x-amz-request-id"]
    assert ask(proxy, "HEAD", "/bucket/photos/a", connection=connection)[::2] == (status, b"")
    assert not upstream.seen
    assert ask(proxy, path="/bucket/other", connection=connection)[2] == BODY, "the connection is as good as before"
    assert faults(proxy) == {fault.split()[0]: 5}


def test_skew(proxy):
    for seconds in (3600, -86400):
        proxy.script(f"match * * -> skew {seconds}")
        status, headers, body = ask(proxy)
        assert status == 403 and error_of(body)["Code"] == "RequestTimeTooSkewed"
        says = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
        assert abs(says - time.time() - seconds) < 5


def test_redirects_until_signed_for_the_region(proxy):
    signed = "AWS4-HMAC-SHA256 Credential=KEY/20260101/{}/s3/aws4_request, SignedHeaders=host, Signature=0"
    for code, name in ((301, "PermanentRedirect"), (307, "TemporaryRedirect"), (400, "AuthorizationHeaderMalformed")):
        proxy.script(f"match * * -> redirect {code} eu-west-1")
        for headers in ({}, {"Authorization": signed.format("us-east-1")}):
            status, got, body = ask(proxy, path="/b/key?list-type=2", headers=headers)
            assert (status, got["x-amz-bucket-region"], error_of(body)["Code"]) == (code, "eu-west-1", name)
            assert error_of(body)["Region"] == "eu-west-1"
            assert got["Location"] == (f"http://127.0.0.1:{proxy.port}/b/key?list-type=2" if code == 307 else None)
        assert ask(proxy, headers={"Authorization": signed.format("eu-west-1")})[2] == BODY
        assert faults(proxy) == {"redirect": 2}


def test_reset_and_close(proxy, upstream):
    for request in (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"PUT /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"):
        proxy.script("match * * -> reset")
        with pytest.raises(ConnectionResetError):
            raw(proxy, request)
        assert faults(proxy) == {"reset": 1}
        proxy.script("match * * -> close")
        assert raw(proxy, request) == b""
        assert faults(proxy) == {"close": 1}
    assert not upstream.seen


def test_stall(proxy):
    proxy.script("match * * once -> stall")
    connection = connect(proxy)
    connection.timeout = 0.3
    connection.request("GET", "/a")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert faults(proxy) == {"stall": 1}
    until = time.monotonic() + 5
    while proxy.report()["connections"]["open"] and time.monotonic() < until:
        time.sleep(0.01)
    assert proxy.report()["connections"]["open"] == 0, "the thread of a stalled connection goes when its client goes"


@pytest.mark.parametrize("bytes_left", [0, 1, 100, len(BODY) - 1, len(BODY), 10 * len(BODY)])
def test_cut(proxy, bytes_left):
    proxy.script(f"match GET * -> cut {bytes_left}")
    head, _, body = raw(proxy, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(BODY)}".encode() in head
    assert body == BODY[:min(bytes_left, len(BODY) - 1)]
    with pytest.raises(http.client.IncompleteRead):
        ask(proxy)
    assert faults(proxy) == {"cut": 2}
    assert ask(proxy, path="/empty")[0] == 200 and faults(proxy) == {"cut": 2}, "nothing to cut"


@pytest.mark.parametrize("bytes_left", [0, 3, 5, 40000, 70009, 1 << 30])
def test_cut_of_a_chunked_body(proxy, bytes_left):
    proxy.script(f"match GET * -> cut {bytes_left}")
    body = raw(proxy, b"GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")[2]
    payload = b""
    while b"\r\n" in body and (size := int(re.split(b"[;\r]", body)[0], 16)):
        body = body.partition(b"\r\n")[2]
        payload += body[:size]
        body = body[size + 2:]
    assert payload == b"".join(CHUNKS)[:bytes_left]
    assert faults(proxy) == {"cut": 1} and not body.endswith(b"\r\n\r\n")


def test_slow(proxy):
    proxy.script("match GET * -> slow 20000")
    start = time.monotonic()
    assert ask(proxy)[2] == BODY
    assert 0.2 < time.monotonic() - start < 2
    assert faults(proxy) == {"slow": 1}


def differing_bits(one, other):
    assert len(one) == len(other)
    return sum(bin(a ^ b).count("1") for a, b in zip(one, other))


def test_corrupt(proxy):
    places = set()
    for seed in range(20):
        proxy.script(f"match GET * seed {seed} -> corrupt")
        got = ask(proxy)[2]
        assert differing_bits(got, BODY) == 1
        places.add(next(i for i in range(len(BODY)) if got[i] != BODY[i]))
        assert faults(proxy) == {"corrupt": 1}
    assert len(places) > 15 and min(places) < 1500 and max(places) > 3500
    assert differing_bits(ask(proxy, path="/chunked")[2], b"".join(CHUNKS)) == 1
    assert ask(proxy, path="/empty")[2] == b"" and ask(proxy, "HEAD")[0] == 200
    assert faults(proxy) == {"corrupt": 2}


def test_faults_of_uploads(proxy, upstream):
    proxy.script("match PUT * -> corrupt_upload")
    for size in (1, 5000, 300_000):
        assert ask(proxy, "PUT", body=b"y" * size)[2].decode() != hashlib.sha256(b"y" * size).hexdigest()
    assert ask(proxy, "PUT", body=b"")[2].decode() == hashlib.sha256(b"").hexdigest()
    assert faults(proxy) == {"corrupt_upload": 3}
    upstream.seen.clear()
    proxy.script("match PUT * -> cut_upload 1000")
    with pytest.raises(ConnectionError):
        ask(proxy, "PUT", body=b"y" * 300_000)
    assert faults(proxy) == {"cut_upload": 1}


@pytest.mark.parametrize("fault", ["status 500", "error200", "reset", "close", "skew 4000"])
def test_done(proxy, upstream, fault):
    """The server did what it was asked, and its answer is lost."""
    proxy.script(f"match PUT * -> done {fault}")
    if fault in ("reset", "close"):
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            ask(proxy, "PUT", body=BODY)
    else:
        connection = connect(proxy)
        for _ in range(2):
            assert b"<Error>" in ask(proxy, "PUT", body=BODY, connection=connection)[2]
    assert set(upstream.seen) == {("PUT", "/a")}
    report = proxy.report()
    assert report["passed"] == report["done_anyway"] == report["requests"]


# ---- which requests ----

def pattern(proxy, script, count=20, path="/a"):
    """The requests, counted from 1, that are refused."""
    proxy.script(script)
    connection = connect(proxy)
    return [n for n in range(1, count + 1) if ask(proxy, path=path, connection=connection)[0] == 503]


def test_selectors(proxy):
    assert pattern(proxy, "match GET * once -> status 503") == [1]
    assert pattern(proxy, "match GET * first 3 -> status 503") == [1, 2, 3]
    assert pattern(proxy, "match GET * after 17 -> status 503") == [18, 19, 20]
    assert pattern(proxy, "match GET * every 7 -> status 503") == [7, 14]
    assert pattern(proxy, "match GET * after 2 every 7 -> status 503") == [9, 16]
    assert pattern(proxy, "match GET * after 4 first 2 -> status 503") == [5, 6]
    assert pattern(proxy, "match PUT * -> status 503") == []
    assert pattern(proxy, "match GET */photos/*.jpg -> status 503", 3, "/b/photos/x/y.jpg") == [1, 2, 3]
    assert pattern(proxy, "match GET */photos/*.jpg -> status 503", 3, "/b/photos/x/y.png") == []
    assert pattern(proxy, "match GET *?uploads* -> status 503", 2, "/b?uploads=&prefix=x") == [1, 2]


def test_first_rule_that_selects_wins(proxy):
    script = "# exceptions first\nmatch GET */a once -> pass\n\nmatch GET * first 2 -> status 503\nmatch * * -> pass\n"
    assert pattern(proxy, script, 6) == [2, 3]
    assert [(rule["matched"], rule["chosen"]) for rule in proxy.report()["rules"]] == [(6, 1), (5, 2), (3, 3)]


def test_rate(proxy):
    lucky = pattern(proxy, "match * * rate 0.2 seed 7 -> status 503", 1000)
    assert 150 < len(lucky) < 250
    assert lucky == pattern(proxy, "match * * rate 0.2 seed 7 -> status 503", 1000), "the same script, the same luck"
    assert lucky != pattern(proxy, "match * * rate 0.2 seed 8 -> status 503", 1000)
    assert not pattern(proxy, "match * * rate 0 -> status 503", 50)
    assert len(pattern(proxy, "match * * rate 1 -> status 503", 50)) == 50


def seconds(proxy, path="/a"):
    start = time.monotonic()
    ask(proxy, path=path)
    return time.monotonic() - start


def test_latency(proxy):
    proxy.script("default latency 50\nmatch GET /a -> latency 100\nmatch GET /b -> latency 150, status 503\nmatch GET /c -> latency 0")
    # The least of a few: a busy machine may add to any of them.
    for path, least in (("/a", 0.1), ("/b", 0.15), ("/c", 0), ("/d", 0.05)):
        assert least <= min(seconds(proxy, path) for _ in range(3)) < least + 0.04
    assert proxy.report()["delayed"] == 9 and faults(proxy) == {"status": 3}


# ---- the program ----

@pytest.mark.parametrize("script, problem", [
    ("match GET", "line 1: expected"), ("\nfoo", "line 2: expected"), ("match GET * -> ", "line 1: no fault"),
    ("match GET * -> explode", "unknown fault"), ("match GET * -> cut", "number"), ("match GET * -> cut -1", "number"),
    ("match GET * -> status 99", "number"), ("match GET * sometimes -> reset", "bad selector"),
    ("match GET * rate 1.5 -> reset", "bad selector"), ("match GET * -> reset close", "one fault"),
    ("match GET * -> done cut 5", "done goes with"), ("match GET * -> redirect 302 r", "301, 307 or 400"),
    ("match GET * -> redirect 301", "region"), ("default latency", "default latency"), ("match GET * once reset", "bad selector"),
    ("match GET * -> latency x", "milliseconds"), ("match GET * -> reset\n" * 65, "line 65: too many")])
def test_wrong_scripts_are_refused(proxy, script, problem):
    proxy.script("match GET * -> status 503")
    with pytest.raises(ValueError, match=re.escape(problem)):
        proxy.script(script)
    assert ask(proxy)[0] == 503, "the old script stays"
    if problem == "number":
        with pytest.raises(RuntimeError, match="exit code 2"):
            type(proxy)("127.0.0.1:1", script)


def test_comes_back_on_its_port(proxy, fault_proxy):
    connection = connect(proxy)
    ask(proxy, connection=connection)
    proxy.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(proxy)
    again = fault_proxy(proxy.upstream, port=proxy.port)
    assert again.port == proxy.port and ask(again)[2] == BODY


def test_report_by_signal(proxy):
    ask(proxy)
    proxy.process.send_signal(signal.SIGUSR1)
    assert json.loads(proxy.process.stdout.readline())["requests"] == 1
    proxy.process.send_signal(signal.SIGTERM)
    assert proxy.process.wait(10) == 0


def test_usage():
    import subprocess
    for arguments in ([], ["--listen", "0"], ["--listen", "x", "--upstream", "127.0.0.1:1"], ["--listen", "0", "--upstream", "nowhere"]):
        assert subprocess.run([program("fault_proxy"), *arguments], capture_output=True).returncode == 2


def test_many_connections(proxy):
    """Every answer goes to who asked, whatever happens to others, and the counts add up."""
    proxy.script("match GET * every 10 -> status 503\nmatch GET * every 11 -> reset\nmatch GET * every 13 -> cut 7")

    def work(number):
        outcomes = []
        connection = connect(proxy)
        for i in range(20):
            try:
                sent = f"{number}-{i}".encode()
                if i % 2:
                    status, _, body = ask(proxy, "PUT", body=sent, connection=connection)
                    assert status == 200 and body.decode() == hashlib.sha256(sent).hexdigest()
                else:
                    status, _, body = ask(proxy, path=f"/{number}", connection=connection)
                    assert body == BODY if status == 200 else status == 503
                outcomes.append(str(status))
            except (ConnectionError, http.client.IncompleteRead) as end:
                outcomes.append("cut" if isinstance(end, http.client.IncompleteRead) else "reset")
                connection.close()
        connection.close()
        return outcomes

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        outcomes = sum(pool.map(work, range(64)), [])
    report, met = proxy.report(), faults(proxy)
    assert report["methods"]["GET"] == report["methods"]["PUT"] == 640
    assert met == {"status": outcomes.count("503"), "reset": outcomes.count("reset"), "cut": outcomes.count("cut")}
    assert met["status"] == 64 and met["reset"] == 640 * 9 // 10 // 11 and met["cut"] > 30
    assert 2 <= report["connections"]["most_busy"] <= report["connections"]["most"] <= 64
    assert report["server_lost"] == report["client_lost"] == 0


def test_clients_that_vanish(proxy):
    """Resets in the middle of a request and of an answer leave nothing behind."""
    proxy.script("match GET * -> slow 1000")
    for request in (b"GET /a HTTP/1.1\r\nHo", b"PUT /a HTTP/1.1\r\nContent-Length: 50\r\n\r\nabc", b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"):
        for linger in (struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)):
            gone = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            gone.sendall(request)
            time.sleep(0.05)
            gone.close()
    until = time.monotonic() + 5
    while proxy.report()["connections"]["open"] and time.monotonic() < until:
        time.sleep(0.01)
    assert proxy.report()["connections"]["open"] == 0
    assert proxy.report()["client_lost"] == 4
