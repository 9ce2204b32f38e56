"""Photos wherever they lie, many requests at a time."""
from __future__ import annotations

import importlib
import os
from typing import Any, Iterable, Iterator, NamedTuple

AHEAD_BYTES = 64 << 20


class Photo(NamedTuple):
    """A photo that a listing found. `source` and `offset`: where its bytes lie, when the name alone does not tell."""

    path: str  # "s3://bucket/key", "file:/folder/name", "https://..."
    label: str | None  # the name of the folder that it lies in
    size: int  # bytes; 0: not known
    modified: int  # seconds of the epoch; 0: not known
    source: bytes | None = None
    offset: int | None = None


def _store() -> Any:
    try:  # not before it is needed: it loads libcurl
        return importlib.import_module("pomona._store")
    except ImportError as failure:
        if isinstance(failure, ModuleNotFoundError):
            cause = "this build of pomona has no reader of photos in buckets and on the web"
        else:
            cause = f"pomona's reader of photos can't be loaded ({failure})"
        raise ImportError(f"{cause}; on Debian, install libcurl4-openssl-dev, libexpat1-dev, libjansson-dev and libssl-dev and build "
                          "pomona from its source: pip install . Spark's own binaryFile and s3a:// need neither") from failure


class Reader:
    """Lists and reads photos in buckets (s3://), on the web (http[s]://) and in folders of this machine, as the command line does.

    endpoint_url     of S3, "http://127.0.0.1:7070"; None: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, or AWS
    region           None: AWS_REGION, AWS_DEFAULT_REGION, the profile's, or us-east-1; a bucket elsewhere says so itself
    profile          None: AWS_PROFILE or "default"
    addressing       "path", "virtual" or "auto" (None)
    no_sign_request  ask as anybody, without credentials
    requests         at most so many under way at once, 1 to 256

    Credentials are found where the AWS CLI finds them, when the first request needs them. Cut, slow and refused answers are tried again.
    May be shared by threads and pickled: what travels is these options.
    """

    def __init__(self, *, endpoint_url: str | None = None, region: str | None = None, profile: str | None = None,
                 addressing: str | None = None, no_sign_request: bool = False, requests: int = 32):
        if requests < 1:
            raise ValueError(f"requests: {requests} is not in 1..256")
        self._options = {"endpoint_url": endpoint_url, "region": region, "profile": profile, "addressing": addressing,
                         "no_sign_request": no_sign_request, "requests": requests}
        self._store = _store()
        self._places = self._store.places(endpoint_url, region, profile, addressing, no_sign_request, requests)

    def __reduce__(self) -> Any:
        return _reopen, (self._options,)

    def list(self, uri: str | os.PathLike[str], glob: str = "*.jpg") -> list[Photo]:
        """The photos below a prefix or folder whose last name matches `glob`, sorted by path; names with a level that begins with
        `_` or `.` are left out. Of a prefix that `pomona pack` made, the photos in it. Raises InputError where there is nothing of that
        name or no right to list it, StorageError where it can't be reached."""
        return [Photo(*found) for found in self._store.list(self._places, os.fspath(uri), glob)]

    def read(self, photos: Iterable[Any], *, ahead_bytes: int = AHEAD_BYTES) -> Iterator[tuple[str, bytes | None, str | None]]:
        """(path, bytes, None) of each photo in turn, or (path, None, reason) where it can't be read.

        photos       of `list`, or paths, or (path, size): sizes let it judge how many to ask for at once
        ahead_bytes  about so many bytes are read or under way and not taken; one photo always is, however large

        A place that fails as a whole (no credentials, no such bucket, a network that stays away) raises. Photos in packed prefixes are
        read as `list` gave them, not by their path alone.
        """
        wanted = [_wanted(photo) for photo in photos]
        return self._read(wanted, ahead_bytes)

    def _read(self, wanted: list[Any], ahead_bytes: int) -> Iterator[tuple[str, bytes | None, str | None]]:
        reading = self._store.read(self._places, wanted, self._options["requests"], ahead_bytes)
        while True:
            found = self._store.next(reading)
            if found is None:
                return
            index, data, reason = found
            yield wanted[index][0], data, reason


def _wanted(photo: Any) -> tuple[str, int, bytes | None, int | None]:
    if isinstance(photo, Photo):
        return photo.path, photo.size, photo.source, photo.offset
    if isinstance(photo, (str, os.PathLike)):
        return os.fspath(photo), 0, None, None
    path, size = photo
    return os.fspath(path), size or 0, None, None


def _reopen(options: dict[str, Any]) -> Reader:
    return Reader(**options)
