"""What the tests of S3 share: what is in a bucket, as boto3 sees it."""
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib

import pandas as pd


def upload(s3, bucket, folder, prefix=""):
    """Every file below a folder, as objects."""
    files = [path for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: s3.put_object(Bucket=bucket, Key=prefix + os.path.relpath(path, folder), Body=path.read_bytes()),
                      files))
    return len(files)


def keys(s3, bucket, prefix=""):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")}


def read(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def parts(s3, bucket, prefix):
    """The bytes of every object of a result but run.json, by name below the prefix."""
    return {key[len(prefix):]: read(s3, bucket, key) for key in keys(s3, bucket, prefix) if not key.endswith("run.json")}


def rows(s3, bucket, prefix):
    """A table of a result, by path below its source."""
    names = [key for key in keys(s3, bucket, prefix) if key.endswith(".parquet")]
    return pd.concat([pd.read_parquet(io.BytesIO(read(s3, bucket, name))) for name in names]).set_index("path").sort_index()


def uploads(s3, bucket):
    return s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def check_success(s3, bucket, prefix):
    """A _SUCCESS names only parts that are there, byte by byte; whether there is one."""
    here = keys(s3, bucket, prefix)
    if prefix + "Results/_SUCCESS" not in here:
        return False
    for part in json.loads(read(s3, bucket, prefix + "Results/_SUCCESS"))["parts"]:
        content = read(s3, bucket, prefix + "Results/" + part["name"])
        assert (len(content), hashlib.sha256(content).hexdigest()) == (part["bytes"], part["sha256"])
    return True


def check_tidy(s3, bucket, scratch, prefix=""):
    """Nothing is left of the way there."""
    assert not uploads(s3, bucket)
    assert not [key for key in keys(s3, bucket, prefix) if "_temporary" in key]
    assert not scratch.exists() or not os.listdir(scratch)
