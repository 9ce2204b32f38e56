"""What the tests of the store take for granted in their S3 server, tried with boto3 alone: a new version of it that
behaves otherwise fails here, and not as a riddle in a test of pomona. Also that fault_proxy passes signed requests on. What versitygw
does otherwise than S3 is said here too: no test may build on it."""
import concurrent.futures
import hashlib

import pytest

# CRC-32C of these bodies, base64 of the big-endian value
HELLO, HELLO_CRC32C = b"hello", "mnG7TA=="
OTHER_CRC32C = "4waSgw=="  # that of b"123456789"


def code_of(call, **arguments):
    """The S3 code of a refusal; None: it was carried out."""
    from botocore.exceptions import ClientError

    try:
        call(**arguments)
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    return None


def upload(s3, bucket, key, *parts, **options):
    """A multipart upload that is ready to be completed: complete(**conditions)."""
    number = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    done = [{"PartNumber": i, "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=number, PartNumber=i, Body=part)["ETag"]}
            for i, part in enumerate(parts, 1)]

    def complete(**conditions):
        return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=number, MultipartUpload={"Parts": done}, **conditions)

    complete.number = number
    return complete


def test_conditional_puts(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=tag)["ETag"] != tag
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"4", IfMatch=tag) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda i: code_of(s3.put_object, Bucket=bucket, Key="race", Body=b"%d" % i, IfNoneMatch="*"), range(16)))
    assert sorted(codes, key=str) == [None] + ["PreconditionFailed"] * 15 or codes.count(None) == 1


def test_conditional_completion(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    complete = upload(s3, bucket, "k", b"part")
    assert code_of(complete, IfNoneMatch="*") == "PreconditionFailed"
    assert code_of(complete, IfMatch='"0"') == "PreconditionFailed"
    complete(IfMatch=tag)
    racers = [upload(s3, bucket, "race", b"%d" % i) for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda complete: code_of(complete, IfNoneMatch="*"), racers))
    assert codes.count(None) == 1 and codes.count("PreconditionFailed") == 7


def test_completion_again(s3, bucket):
    """As in S3, an answer that was lost can be asked for again, while the object is there."""
    complete = upload(s3, bucket, "k", b"m" * (5 << 20), b"tail")
    tag = complete()["ETag"]
    assert tag.endswith('-2"') and complete()["ETag"] == complete(IfNoneMatch="*")["ETag"] == tag
    assert code_of(s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=complete.number) == "NoSuchUpload"
    s3.delete_object(Bucket=bucket, Key="k")
    assert code_of(complete) == "NoSuchUpload"


def test_sizes_of_parts(s3, bucket):
    assert code_of(upload(s3, bucket, "small", b"small", b"small")) == "EntityTooSmall"
    assert code_of(upload(s3, bucket, "none")) == "MalformedXML"
    upload(s3, bucket, "empty", b"")()
    assert s3.head_object(Bucket=bucket, Key="empty")["ContentLength"] == 0


def test_uploads_under_way(s3, bucket):
    for key in ("out/b/2", "out/a", "out/b/1", "out/b/1", "other"):
        upload(s3, bucket, key)
    listed = s3.list_multipart_uploads(Bucket=bucket, Prefix="out/b/")["Uploads"]
    assert [entry["Key"] for entry in listed] == ["out/b/1", "out/b/1", "out/b/2"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket), "they are no objects"
    # Otherwise than S3: it refuses the upload-id-marker that it gave itself, so only one page (1,000 uploads) can be listed.
    page = s3.list_multipart_uploads(Bucket=bucket, Prefix="out/", MaxUploads=1)
    assert code_of(s3.list_multipart_uploads, Bucket=bucket, Prefix="out/", KeyMarker=page["NextKeyMarker"],
                   UploadIdMarker=page["NextUploadIdMarker"]) == "InvalidArgument"


def test_checksums(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=HELLO, ChecksumCRC32C=HELLO_CRC32C)
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32C"] == HELLO_CRC32C
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32C"] == HELLO_CRC32C
    assert "ChecksumCRC32C" not in s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=1-2")
    assert code_of(s3.put_object, Bucket=bucket, Key="bad", Body=HELLO, ChecksumCRC32C=OTHER_CRC32C) == "BadDigest"
    assert code_of(s3.head_object, Bucket=bucket, Key="bad") == "404"
    for kind, whole in (("FULL_OBJECT", HELLO_CRC32C), ("COMPOSITE", None)):
        number = s3.create_multipart_upload(Bucket=bucket, Key=kind, ChecksumAlgorithm="CRC32C", ChecksumType=kind)["UploadId"]
        where = {"Bucket": bucket, "Key": kind, "UploadId": number}
        assert code_of(s3.upload_part, **where, PartNumber=1, Body=HELLO, ChecksumCRC32C=OTHER_CRC32C) == "BadDigest"
        part = s3.upload_part(**where, PartNumber=1, Body=HELLO, ChecksumCRC32C=HELLO_CRC32C)
        bare = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        assert code_of(s3.complete_multipart_upload, **where, MultipartUpload=bare) == "InvalidRequest", "as in S3: with checksums"
        bare["Parts"][0]["ChecksumCRC32C"] = HELLO_CRC32C
        done = s3.complete_multipart_upload(**where, MultipartUpload=bare, ChecksumType=kind)
        assert done["ChecksumCRC32C"] == (whole or done["ChecksumCRC32C"]) and done["ChecksumCRC32C"].endswith("-1") == (not whole)


def test_conditional_reads(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    read = s3.get_object(Bucket=bucket, Key="k", IfMatch=tag, Range="bytes=8-30")
    assert (read["ContentRange"], read["Body"].read()) == ("bytes 8-9/10", b"89")
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"0"', Range="bytes=0-1") == "PreconditionFailed"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == "InvalidRange"


def test_deletion_and_versions(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % i)["VersionId"] for i in range(3)]
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed] == list(zip(versions[::-1], (True, False, False)))
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=versions[0])["Body"].read() == b"0"
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "never"}]})
    assert {entry["Key"] for entry in deleted["Deleted"]} == {"k", "never"} and "Errors" not in deleted
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    assert s3.list_object_versions(Bucket=bucket, Prefix="k")["DeleteMarkers"][0]["IsLatest"]


@pytest.mark.parametrize("key", ["a b", "per%cent", "per%20cent", "pl+us", "ü/é/😀", "new\nline", "tab\t", "q?m&n=o#p", "a&b<c>\"'",
                                 "~._-", "e=f,g;h@i!$(*)", "back\\slash", "_hidden", ".dot"])
def test_odd_keys(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"k")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"k"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]] == [key]


def test_keys_that_it_can_not_hold(s3, bucket):
    """Its objects are files: otherwise than S3, steps are taken, and no key lies below another. It ignores encoding-type=url too."""
    s3.put_object(Bucket=bucket, Key="b", Body=b"first")
    s3.put_object(Bucket=bucket, Key="a/../b", Body=b"second")
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"second"
    assert code_of(s3.put_object, Bucket=bucket, Key="../x", Body=b"") is not None
    assert code_of(s3.put_object, Bucket=bucket, Key="b/below", Body=b"") == "ObjectParentIsFile"
    assert not s3.list_objects_v2(Bucket=bucket, EncodingType="url").get("EncodingType")


def test_wrong_credentials(s3_server, bucket):
    import boto3

    for key, secret, region, code in ((s3_server.access_key, "wrong", "us-east-1", "SignatureDoesNotMatch"),
                                      ("NOBODY", "wrong", "us-east-1", "XAdminUserNotFound")):  # S3 says InvalidAccessKeyId
        client = boto3.client("s3", endpoint_url=s3_server.url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret)
        assert code_of(client.list_objects_v2, Bucket=bucket) == code


def test_through_the_proxy(s3, bucket, proxied):
    """Signed requests arrive as they were sent; what is damaged on its way is refused."""
    proxy = proxied()
    client = proxy.client()
    body = hashlib.sha256(b"x").digest() * 300_000  # 9.6 MB
    client.put_object(Bucket=bucket, Key="a b/ü+%", Body=body)
    assert client.get_object(Bucket=bucket, Key="a b/ü+%")["Body"].read() == body
    upload(client, bucket, "parts", body, b"tail")()
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == body + b"tail"
    assert not any(proxy.report()["faults"].values()) and proxy.report()["server_lost"] == 0

    proxy.script("match PUT * -> corrupt_upload")
    assert code_of(client.put_object, Bucket=bucket, Key="bad", Body=body, ChecksumCRC32C=HELLO_CRC32C) is not None
    assert code_of(s3.head_object, Bucket=bucket, Key="bad") == "404"
    proxy.script("match PUT */late* once -> done status 500")
    assert code_of(client.put_object, Bucket=bucket, Key="late", Body=b"1") == "InternalError"
    assert s3.get_object(Bucket=bucket, Key="late")["Body"].read() == b"1", "it was carried out all the same"
    proxy.script("match GET * -> redirect 301 eu-west-1")
    assert code_of(client.get_object, Bucket=bucket, Key="late") is not None, "signed for eu-west-1, it is refused by the server"
    assert proxy.report()["faults"]["redirect"] == 1 and proxy.report()["passed"] >= 1
