"""Writes one small answer of each kind to a folder, to start fuzz_s3_xml from.

usage: seeds_s3_xml.py FOLDER
"""
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
item = ("<{0}><Key>a%2Fb+c</Key><VersionId>v</VersionId><IsLatest>true</IsLatest><UploadId>u</UploadId>"
        "<LastModified>2009-10-12T17:50:30.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>434234</Size></{0}>")
page = ("<{0}><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<NextKeyMarker>k%20</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>{1}"
        "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></{0}>")
answers = {
    "objects": page.format("ListBucketResult", 2 * item.format("Contents")),
    "versions": page.format("ListVersionsResult", item.format("Version") + item.format("DeleteMarker")),
    "uploads": page.format("ListMultipartUploadsResult", item.format("Upload").replace("LastModified", "Initiated")),
    "error": "<Error><Code>NoSuchKey</Code><Message>m</Message><Region>r</Region><Endpoint>e</Endpoint></Error>",
    "sts_error": "<ErrorResponse><Error><Code>AccessDenied</Code><Message>m</Message></Error></ErrorResponse>",
    "sts": "<R><Credentials><AccessKeyId>A</AccessKeyId><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></R>",
    "upload": "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
    "deleted": "<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>m</Message></Error></DeleteResult>",
    "doctype": '<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><ListBucketResult>&b;</ListBucketResult>',
}
for name, answer in answers.items():
    (folder / name).write_text('<?xml version="1.0" encoding="UTF-8"?>\n' + answer)
