"""list_server says what S3 says, so that a listing measured with it is a listing: against a model in Python."""
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import pytest

from loopback import DIRECT, ListServer, program

XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
KEYS = [f"photos/class-{i // 358:03d}/img-{i:07d}.jpg" for i in range(2503)]  # 7 prefixes: ceil(2503 / 7) = 358


@pytest.fixture(scope="module")
def server():
    with ListServer("--keys", 2503, "--prefixes", 7) as running:
        yield running


def page(server, **query):
    text = urllib.parse.urlencode({"list-type": 2, **{name.replace("_", "-"): value for name, value in query.items()}})
    with DIRECT.open(f"{server.url}/bucket?{text}", timeout=20) as answer:
        tree = xml.etree.ElementTree.fromstring(answer.read())
    assert tree.tag == XMLNS + "ListBucketResult" and tree.findtext(XMLNS + "Name") == "bucket"
    return tree


def walk(server, **query):
    """Keys and common prefixes, in the order of the pages, and how many pages there were."""
    keys, prefixes, pages, token = [], [], 0, {}
    while True:
        tree = page(server, **query, **token)
        pages += 1
        found = [entry.findtext(XMLNS + "Key") for entry in tree.iter(XMLNS + "Contents")]
        groups = [entry.findtext(XMLNS + "Prefix") for entry in tree.iter(XMLNS + "CommonPrefixes")]
        assert int(tree.findtext(XMLNS + "KeyCount")) == len(found) + len(groups)
        keys += found
        prefixes += groups
        if tree.findtext(XMLNS + "IsTruncated") == "false":
            assert tree.find(XMLNS + "NextContinuationToken") is None
            return keys, prefixes, pages
        assert len(found) + len(groups) == min(query.get("max_keys", 1000), 1000)
        token = {"continuation_token": tree.findtext(XMLNS + "NextContinuationToken")}


def test_all_keys_in_order(server):
    assert KEYS == sorted(KEYS)
    assert walk(server) == (KEYS, [], 3)
    assert walk(server, max_keys=1)[0][:1] == KEYS[:1]
    assert walk(server, max_keys=358) == (KEYS, [], 7)
    assert walk(server, max_keys=5000) == (KEYS, [], 3), "no page is larger than 1,000"


@pytest.mark.parametrize("prefix", ["photos/", "photos/class-003", "photos/class-006/", "photos/class-001/img-00004", KEYS[700],
                                    KEYS[700] + "x", "p", "q", "a", "photos/class-00&<3"])
@pytest.mark.parametrize("start_after", ["", KEYS[1100], KEYS[1100][:-2], "zzz", "photos/class-003/"])
def test_prefix_and_start_after(server, prefix, start_after):
    want = [key for key in KEYS if key.startswith(prefix) and key > start_after]
    assert walk(server, prefix=prefix, start_after=start_after, max_keys=100)[:2] == (want, [])


def test_delimiter(server):
    assert walk(server, delimiter="/") == ([], ["photos/"], 1)
    classes = [f"photos/class-{i:03d}/" for i in range(7)]
    assert walk(server, delimiter="/", prefix="photos/", encoding_type="url") == ([], classes, 1)
    assert walk(server, delimiter="/", prefix="photos/", max_keys=2) == ([], classes, 4)
    assert walk(server, delimiter="/", prefix=classes[2]) == (KEYS[716:1074], [], 1)
    # A group that ends in the middle of a page, and keys before and behind it.
    keys, groups, _ = walk(server, delimiter="5", prefix="photos/class-002/img-000074", max_keys=3)
    assert keys == [key for key in KEYS[740:750] if "745" not in key]
    assert groups == ["photos/class-002/img-0000745"]


def test_entries_look_real(server):
    entries = list(page(server).iter(XMLNS + "Contents"))
    tags = {entry.findtext(XMLNS + "ETag") for entry in entries}
    assert len(tags) == len(entries) == 1000
    assert all(len(tag) == 34 and tag[0] == tag[-1] == '"' and int(tag[1:-1], 16) for tag in tags)
    assert all(10000 <= int(entry.findtext(XMLNS + "Size")) < 100000 for entry in entries)
    assert entries[0].findtext(XMLNS + "LastModified") == "2026-01-02T03:04:05.000Z"


def refused(server, target, method="GET"):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        DIRECT.open(urllib.request.Request(server.url + target, method=method), timeout=20)
    body = refusal.value.read()
    return refusal.value.code, xml.etree.ElementTree.fromstring(body).findtext("Code") if body else None


def test_refusals(server):
    for query in ("continuation-token=zzz", "continuation-token=1ueGcx/LPRx1Tr+XYExHnhbYLg=5", "max-keys=x", "max-keys=-1",
                  "encoding-type=base64", "prefix=%4"):
        assert refused(server, "/bucket?list-type=2&" + query) == (400, "InvalidArgument"), query
    assert refused(server, "/bucket?list-type=1") == (501, "NotImplemented")
    assert refused(server, "/") == (404, "NoSuchBucket")
    assert refused(server, "/bucket/" + KEYS[0]) == (404, "NoSuchKey")
    assert refused(server, "/bucket/" + KEYS[0], "HEAD") == (404, None)
    assert refused(server, "/bucket", "DELETE")[0] == 405
    with DIRECT.open(urllib.request.Request(server.url + "/bucket/", method="HEAD")) as answer:
        assert answer.headers["x-amz-bucket-region"]


def test_raw_is_the_same_pages_in_a_row(server):
    with DIRECT.open(server.url + "/raw?prefix=photos/class-00", timeout=20) as answer:
        text = answer.read().decode()
    assert text.count("<ListBucketResult") == 3
    assert [piece.partition("</Key>")[0] for piece in text.split("<Key>")[1:]] == KEYS


def test_load(server):
    done = subprocess.run([program("http_load"), "--connections", "8", "--requests", "100", server.address, "/raw",
                           "/bucket?list-type=2&max-keys=10"], capture_output=True, text=True, check=True)
    load = json.loads(done.stdout)
    assert load["good"] == load["requests"] == 100 and load["connections"] == 8
    done = subprocess.run([program("http_load"), "--requests", "10", server.address, "/bucket"], capture_output=True, text=True)
    assert done.returncode == 1 and "501" in done.stderr and json.loads(done.stdout)["good"] == 0


@pytest.mark.cluster
def test_boto3_lists_it():
    import boto3

    with ListServer("--keys", 100000, "--prefixes", 10, "--latency", 1) as running:
        client = boto3.client("s3", endpoint_url=running.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
        pages = list(client.get_paginator("list_objects_v2").paginate(Bucket="any"))
        assert len(pages) == 100
        keys = [entry["Key"] for entries in pages for entry in entries["Contents"]]
        assert len(set(keys)) == 100000 and keys == sorted(keys)
