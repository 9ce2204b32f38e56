"""What an upload in parts sends: every byte once, each part with its CRC-32C, and with its SHA-256 where no TLS protects it."""
import base64
import hashlib
import http.server
import os
import re
import ssl
import threading

import pytest

PART = 8 << 20
SIZES = [PART + 1, 2 * PART, 11 * PART + 12345]


def crc32c(data):
    crc, table = 0xFFFFFFFF, crc32c.__dict__.setdefault("table", [])
    if not table:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            table.append(byte)
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


class Bucket(http.server.BaseHTTPRequestHandler):
    """As much of S3 as an upload needs."""
    protocol_version, wbufsize = "HTTP/1.1", -1

    def log_message(self, *_):
        pass

    def answer(self, body=b"", code=200, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_HEAD(self):
        self.answer(code=404)

    def do_GET(self):
        self.answer(b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")

    def do_PUT(self):
        part, body = re.search("partNumber=([0-9]+)", self.path), self.body()
        number = int(part[1]) if part else 0
        self.server.parts.setdefault(number, []).append((body, self.headers))
        if self.server.refused == number and len(self.server.parts[number]) == 1:
            return self.answer(b"<Error><Code>InternalError</Code></Error>", 500)
        self.answer(ETag=f'"etag-{number}"')

    def do_POST(self):
        body = self.body()
        if self.path.endswith("uploads="):
            return self.answer(b"<R><UploadId>id</UploadId></R>")
        self.server.completed.append(body.decode())
        self.answer(b"<CompleteMultipartUploadResult/>")


@pytest.fixture(params=["http", "https"])
def upload(request, pomona, tmp_path):
    """upload(content) copies a file into a bucket, and is where the parts are kept."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        environment = {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1",
                       "AWS_ENDPOINT_URL": f"{request.param}://127.0.0.1:{server.server_port}"}
        if request.param == "https":
            certificate = request.getfixturevalue("certificate")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            environment["AWS_CA_BUNDLE"] = os.fspath(certificate.with_suffix(".crt"))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def run(content, refused=None, status=0):
            server.parts, server.completed, server.refused = {}, [], refused
            (tmp_path / "file").write_bytes(content)
            pomona("cp", tmp_path / "file", "s3://bucket/key", "--overwrite", "-q", env=environment, status=status)
            return server

        run.secure = request.param == "https"
        yield run
        server.shutdown()


@pytest.mark.parametrize("size", SIZES)
def test_parts(upload, size):
    content = os.urandom(size)
    server = upload(content, refused=2)  # is tried again, the same bytes with the same sums
    assert sorted(server.parts) == list(range(1, (size - 1) // PART + 2))
    assert [len(tries) for _, tries in sorted(server.parts.items())] == [2 if number == 2 else 1 for number in sorted(server.parts)]
    assert b"".join(tries[-1][0] for _, tries in sorted(server.parts.items())) == content
    for number, tries in server.parts.items():
        for body, headers in tries:
            signed = headers["x-amz-content-sha256"]
            assert signed == ("UNSIGNED-PAYLOAD" if upload.secure else hashlib.sha256(body).hexdigest())
            assert "x-amz-checksum-crc32c" in headers["Authorization"]
            if len(body) < PART:  # Python is slow at this
                assert headers["x-amz-checksum-crc32c"] == crc32c(body)
    told, = server.completed
    assert re.findall("<PartNumber>(.*?)</PartNumber>", told) == [str(number) for number in sorted(server.parts)]
    assert re.findall("<ChecksumCRC32C>(.*?)</ChecksumCRC32C>", told) == [tries[0][1]["x-amz-checksum-crc32c"]
                                                                          for _, tries in sorted(server.parts.items())]


def test_small_files_are_signed_whole(upload):
    server = upload(b"small")
    (body, headers), = server.parts[0]
    assert body == b"small" and headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest() and not server.completed
