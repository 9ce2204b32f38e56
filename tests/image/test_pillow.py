"""Pixels against Pillow: equal to the bit, on every tier, for photos and for generated pictures."""
import io
import os
import random
import re
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageOps

from conftest import POMONA, ROOT

TIERS = ["scalar", "avx2", "avx512", "neon"]


def find_tool():
    """photo_pixels of the build that POMONA belongs to, or of any other."""
    builds = [POMONA.resolve().parents[2], ROOT / "build/release", ROOT / "build"]
    named = os.environ.get("POMONA_PHOTO_PIXELS")
    tools = [named] if named else [build / "tests/image/photo_pixels" for build in builds]
    return next((tool for tool in tools if os.path.exists(tool)), None)


class Tool:
    """A running photo_pixels: ask(mode, path, w, h) gives an array, or the text of the error."""

    def __init__(self, tier):
        self.process = subprocess.Popen([find_tool()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env={**os.environ, "POMONA_TIER": tier})

    def ask(self, mode, path, width=0, height=0):
        self.process.stdin.write(f"{mode} {width} {height} {path}\n".encode())
        self.process.stdin.flush()
        head = self.process.stdout.readline().decode(errors="replace").split(None, 2)
        assert head, f"photo_pixels died on {path}"
        if head[0] == "error":
            return head[2].strip()
        width, height = int(head[1]), int(head[2])
        data = self.process.stdout.read(3 * width * height)
        return np.frombuffer(data, np.uint8).reshape(height, width, 3)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(timeout=60)


def start(tier):
    if find_tool() is None:
        pytest.fail("photo_pixels is missing: run ./dev build, or set POMONA_PHOTO_PIXELS")
    tool = Tool(tier)
    try:
        tool.ask("decode", os.devnull)
    except (AssertionError, BrokenPipeError):
        tool.process.wait(timeout=60)
        pytest.skip(f"no tier {tier} here: {tool.process.stderr.read().decode().strip()}")
    return tool


@pytest.fixture(scope="module", params=TIERS)
def tool(request):
    tool = start(request.param)
    yield tool
    assert tool.close() == 0


@pytest.fixture(scope="module")
def decoder():
    """For what does not depend on the tier."""
    tool = start("auto")
    yield tool
    assert tool.close() == 0


def same(ours, theirs, what):
    assert not isinstance(ours, str), f"{what}: {ours}"
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape, what
    different = np.count_nonzero((ours != theirs).any(axis=-1))
    assert different == 0, f"{what}: {different} pixels differ"


def phone(upright, width, height):
    side = min(upright.size)
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    return upright.crop((left, top, left + side, top + side)).resize((width, height))


def cropped(picture, square):
    side = min(picture.size)
    left, top = ((picture.width - side) // 2, (picture.height - side) // 2) if square else (0, 0)
    return picture.crop((left, top, left + side, top + side)) if square else picture


def half_up(side, zoom):
    return max(1, (side * zoom + 50) // 100)


def view(picture, text, size):
    """What include/pomona/profile.h says of a view, in Pillow."""
    zoom, position, mirrored = re.fullmatch(r"(\d+)(c|tl|tr|bl|br)(m?)", text).groups()
    width, height = half_up(picture.width, int(zoom)), half_up(picture.height, int(zoom))
    left = {"l": 0, "r": picture.width - width, "c": (picture.width - width) // 2}[position[-1]]
    top = {"t": 0, "b": picture.height - height, "c": (picture.height - height) // 2}[position[0]]
    resized = picture.crop((left, top, left + width, top + height)).resize(size)
    return ImageOps.mirror(resized) if mirrored else resized


VIEWS = ["100c,100cm", "100c,60c", "100c,50c,50tl,50tr,50bl,50br", "10c", "33trm,33tr,34blm,99br,99brm,50tl,10c,100cm",
         "60cm,60c,61tlm,61trm,61blm,61brm,100c"]


def compare_views(tool, path, size, views):
    picture = Image.open(path)
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    for profile, photo in ("spark-compat", picture.convert("RGB")), ("phone", cropped(upright, True)):
        pictures = tool.ask(f"{profile}:{views}", path, *size)
        assert not isinstance(pictures, str), pictures
        for number, text in enumerate(views.split(",")):
            ours = pictures[number * size[1]:(number + 1) * size[1]]
            same(ours, view(photo, text, size), f"{profile} {text} of {path} {picture.size}")


def compare_photo(tool, path, size=(224, 224)):
    picture = Image.open(path)
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    picture = picture.convert("RGB")
    same(tool.ask("decode", path), picture, f"decode {path}")
    same(tool.ask("orient", path), upright, f"orient {path}")
    same(tool.ask("resize", path, *size), picture.resize(size), f"resize {path}")
    same(tool.ask("spark-compat", path, *size), picture.resize(size), f"spark-compat {path}")
    same(tool.ask("phone", path, *size), phone(upright, *size), f"phone {path}")


def test_grocery_photos(tool, shared, request):
    photos = sorted((shared / "data/grocery").rglob("*.jpg"))
    assert photos
    step = 1 if request.config.getoption("--long") else 25
    for photo in photos[::step]:
        compare_photo(tool, photo)


@pytest.mark.parametrize("folder", ["orientation", "exif"])
def test_turned_and_odd_photos(tool, shared, folder):
    photos = sorted((shared / "data" / folder).glob("*.jpg"))
    assert photos
    for photo in photos:
        compare_photo(tool, photo, (97, 160))


def picture(width, height, seed=0):
    """Smooth waves with noise on them, so that every byte value and every edge occurs."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([127 + 120 * np.sin(x / 9 + y / 17), 127 + 120 * np.cos(x / 13 - y / 5), (x * 3 + y * 2) % 256], -1)
    return Image.fromarray((waves + random.normal(0, 12, waves.shape)).clip(0, 255).astype(np.uint8))


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 88, **options})
    return out.getvalue()


def adobe(data, transform):
    """Sets the colour transform of the Adobe marker: 0 CMYK or RGB, 1 YCbCr, 2 YCCK."""
    at = data.index(b"\xff\xee\x00\x0eAdobe")
    return data[:at + 15] + bytes([transform]) + data[at + 16:]


def without_adobe(data):
    at = data.index(b"\xff\xee\x00\x0eAdobe")
    return data[:at] + data[at + 16:]


def sampling(data, old, new):
    """Other sampling factors of the first component; the count of blocks must stay the same."""
    at = data.index(b"\xff\xc0\x00\x11")
    assert data[at + 11] == old
    return data[:at + 11] + bytes([new]) + data[at + 12:]


def kinds():
    image, square = picture(83, 61), picture(64, 64)
    cmyk = image.convert("CMYK")
    cmyk.putdata([(c, m, y, (c * 7 + m) % 200) for c, m, y, _ in cmyk.getdata()])
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "4:2:0", jpeg(image)
    yield "4:2:2", jpeg(image, subsampling=1)
    yield "4:4:4", jpeg(image, subsampling=0)
    yield "4:4:0", sampling(jpeg(square, subsampling=1), 0x21, 0x12)
    yield "4:1:1", sampling(jpeg(square, subsampling=2), 0x22, 0x41)
    yield "progressive", jpeg(image, progressive=True)
    yield "progressive 4:4:4", jpeg(image, progressive=True, subsampling=0)
    yield "restart markers", jpeg(image, restart_marker_blocks=3)
    yield "quality 1", jpeg(image, quality=1)
    yield "quality 100", jpeg(image, quality=100)
    yield "RGB", jpeg(image, keep_rgb=True)
    yield "grey", jpeg(image.convert("L"))
    yield "grey progressive", jpeg(image.convert("L"), progressive=True)
    yield "CMYK", jpeg(cmyk)
    yield "CMYK progressive", jpeg(cmyk, progressive=True)
    yield "CMYK without Adobe's marker", without_adobe(jpeg(cmyk))
    yield "YCCK", adobe(jpeg(cmyk), 2)
    yield "turned", jpeg(image, exif=exif)
    yield "comment and ICC", jpeg(image, comment=b"x" * 1000, icc_profile=b"y" * 70000)


def test_kinds_of_jpeg(tool, tmp_path):
    for number, (name, data) in enumerate(kinds()):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(data)
        try:
            compare_photo(tool, path, (51, 67))
        except AssertionError as failure:
            raise AssertionError(f"{name}: {failure}") from None


@pytest.mark.parametrize("views", VIEWS)
def test_views(tool, shared, tmp_path, views):
    """Every box and mirror, of photos turned all ways, down to photos of one pixel; the same preprocessor from photo to photo."""
    for photo in sorted((shared / "data/orientation").glob("*.jpg")):
        compare_views(tool, photo, (97, 160), views)
    for number, size in enumerate([(1, 1), (2, 3), (5, 4), (9, 10), (11, 9), (348, 347), (101, 640)]):
        exif = Image.Exif()
        exif[0x0112] = number + 2
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(jpeg(picture(*size, seed=number), exif=exif))
        compare_views(tool, path, (64, 64), views)


def test_one_view_of_all_is_no_view(tool, shared):
    photo = next((shared / "data/orientation").glob("*.jpg"))
    assert (tool.ask("phone:100c", photo, 64, 64) == tool.ask("phone", photo, 64, 64)).all()
    assert (tool.ask("phone:flip", photo, 64, 64) == tool.ask("phone:100,100m", photo, 64, 64)).all()


def drafted(data, eighths):
    """Pillow's picture at 1/8, 1/4 or 1/2: libjpeg's reduced transforms."""
    image = Image.open(io.BytesIO(data))
    wanted = tuple((side * eighths + 7) // 8 for side in image.size)
    if eighths < 8:
        image.draft("RGB", tuple(side * eighths // 8 for side in image.size))
    assert image.size == wanted
    return image


def scale_for(size, square, views, target):
    """What include/pomona/profile.h says of the scale; `size` is upright."""
    for eighths in 1, 2, 4:
        width, height = ((side * eighths + 7) // 8 for side in size)
        if square:
            width = height = min(width, height)
        boxes = [(half_up(width, zoom), half_up(height, zoom)) for zoom in (int(re.match(r"\d+", text)[0]) for text in views.split(","))]
        if all(w >= 2 * target[0] and h >= 2 * target[1] for w, h in boxes):
            return eighths
    return 8


def compare_scaled(tool, path, target, views="100c", tolerance=0):
    """Pillow's draft leaves out fancy upsampling and takes a faster DCT for blocks of 8 x 8: equal where neither is used."""
    data = path.read_bytes()
    stored = Image.open(io.BytesIO(data))
    upright = ImageOps.exif_transpose(stored)
    scales = set()
    for profile, photo in ("spark-compat", stored), ("phone", upright):
        eighths = scale_for(photo.size, profile == "phone", views, target)
        scales.add(eighths)
        picture = drafted(data, eighths)
        picture = cropped(ImageOps.exif_transpose(picture).convert("RGB"), True) if profile == "phone" else picture.convert("RGB")
        pictures = tool.ask(f"{profile}+scaled:{views}", path, *target)
        assert not isinstance(pictures, str), pictures
        for number, text in enumerate(views.split(",")):
            ours = pictures[number * target[1]:(number + 1) * target[1]].astype(int)
            difference = np.abs(ours - np.asarray(view(picture, text, target), int)).max()
            assert difference <= (tolerance if eighths in (4,) else 0), f"{profile} {text} of {path} {stored.size} at {eighths}/8: {difference}"
    return scales


def test_scaled_decoding(tool, tmp_path):
    """All scales, turns, crops and views; sizes around every bound. 4:2:0 at 1/2 has whole blocks of colour, which Pillow's draft decodes
    a little differently."""
    cases = [((64, 64), (32, 32)), ((63, 64), (32, 32)), ((127, 129), (32, 31)), ((128, 256), (32, 32)), ((121, 250), (16, 31)),
             ((257, 256), (16, 16)), ((255, 511), (16, 16)), ((249, 300), (16, 16)), ((640, 480), (7, 9)), ((33, 800), (4, 30))]
    scales = set()
    for number, (size, target) in enumerate(cases):
        exif = Image.Exif()
        exif[0x0112] = 1 + number % 8
        for kind, options in enumerate([{"subsampling": 0}, {"subsampling": 2}, {"subsampling": 0, "progressive": True}, {"grey": True}]):
            image = picture(*size, seed=number)
            image = image.convert("L") if options.pop("grey", False) else image
            path = tmp_path / f"{number}-{kind}.jpg"
            path.write_bytes(jpeg(image, exif=exif, **options))
            tolerance = 3 if kind == 1 else 0
            scales |= compare_scaled(tool, path, target, tolerance=tolerance)
            scales |= compare_scaled(tool, path, target, "100c,60tl,50brm", tolerance)
    assert scales == {1, 2, 4, 8}


def test_scaled_decoding_of_photos(tool, shared):
    """Turned photos of 1800 x 1200, all ways."""
    photos = sorted((shared / "data/orientation").glob("*.jpg"))
    assert photos
    for photo in photos:
        assert compare_scaled(tool, photo, (97, 160), tolerance=3) <= {2, 4}
        upright = tool.ask("phone", photo, 97, 160).astype(int)
        scaled = tool.ask("phone+scaled", photo, 97, 160).astype(int)
        assert 0 < np.abs(upright - scaled).mean() < 2 and np.abs(upright - scaled).max() < 64


def test_small_photos_are_decoded_whole(tool, shared):
    for photo in sorted((shared / "data/exif").glob("image*.jpg")):
        same(tool.ask("phone+scaled", photo, 64, 64), tool.ask("phone", photo, 64, 64), photo)


SIZES = [((1, 1), (1, 1)), ((1, 1), (224, 224)), ((2, 3), (224, 7)), ((3, 2), (1, 1)), ((5, 4), (4, 5)), ((7, 300), (224, 224)),
         ((300, 7), (224, 224)), ((17, 31), (17, 31)), ((100, 100), (224, 224)), ((224, 224), (224, 224)), ((225, 223), (224, 224)),
         ((333, 517), (33, 57)), ((640, 480), (1, 480)), ((640, 480), (640, 1)), ((1000, 3), (3, 1000)), ((99, 101), (1003, 997)),
         ((1280, 960), (96, 96)), ((2999, 31), (128, 128)), ((31, 2999), (129, 127))]


def test_generated_sizes(tool, tmp_path):
    for number, (source, target) in enumerate(SIZES):
        path = tmp_path / "a.jpg"
        path.write_bytes(jpeg(picture(*source, seed=number), quality=95))
        compare_photo(tool, path, target)


def test_random_sizes(tool, tmp_path, request):
    random_number = random.Random(20240)
    for number in range(300 if request.config.getoption("--long") else 40):
        source = [random_number.choice([random_number.randint(1, 40), random_number.randint(1, 700)]) for _ in range(2)]
        target = [random_number.choice([random_number.randint(1, 40), random_number.randint(1, 500)]) for _ in range(2)]
        exif = Image.Exif()
        exif[0x0112] = random_number.randint(1, 8)
        path = tmp_path / "a.jpg"
        path.write_bytes(jpeg(picture(*source, seed=number), exif=exif))
        compare_photo(tool, path, tuple(target))


def test_large_photos(tool, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(picture(500, 400).resize((5000, 4000), Image.Resampling.BILINEAR)))
    large = Image.open(path).convert("RGB")
    same(tool.ask("spark-compat", path, 224, 224), large.resize((224, 224)), "5000 x 4000 down")
    path.write_bytes(jpeg(large.resize((60, 50))))
    small = Image.open(path).convert("RGB")
    same(tool.ask("resize", path, 5000, 4000), small.resize((5000, 4000)), "up to 5000 x 4000")


def mutants(seeds, count):
    """Flipped bits, wrong bytes, cuts, deletions and insertions, the same in every run."""
    chance = random.Random(97)
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        kind = chance.randrange(7)
        at = chance.randrange(2, len(data))
        if kind <= 1:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            for _ in range(chance.randrange(2, 20)):
                data[chance.randrange(2, len(data))] ^= 1 << chance.randrange(8)
        elif kind == 3:
            data[at] = chance.choice([0, 255, 0xD9, 0xDA, chance.randrange(256)])
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            del data[at:at + chance.randrange(1, 9)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        yield bytes(data)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files(decoder, tmp_path, request):
    """The same files are refused, the others have the same pixels. Two exceptions, which docs/internals/image.md explains:
    Pillow takes some files without an end marker, and refuses some for their metadata.

    Progressive 4:2:0 is not among the seeds: before 3.0.1 libjpeg-turbo smooths the edges of incomplete ones otherwise."""
    image = picture(83, 61)
    seeds = [jpeg(image), jpeg(image, subsampling=0), jpeg(image, subsampling=1), jpeg(image.convert("L")),
             jpeg(image.convert("CMYK")), jpeg(image, progressive=True, subsampling=0), jpeg(image, restart_marker_blocks=2)]
    path = tmp_path / "a.jpg"
    taken = 0
    for number, data in enumerate(mutants(seeds, 20000 if request.config.getoption("--long") else 1500)):
        path.write_bytes(data)
        ours = decoder.ask("decode", path)
        try:
            theirs = np.asarray(Image.open(io.BytesIO(data), formats=["JPEG"]).convert("RGB"))
        except Image.UnidentifiedImageError:
            continue
        except OSError as refused:
            assert isinstance(ours, str), f"mutant {number}: Pillow says {refused}"
            continue
        if isinstance(ours, str):
            assert ours.endswith("no end marker"), f"mutant {number}: {ours}"
            continue
        same(ours, theirs, f"mutant {number}")
        taken += 1
    assert taken > 500
