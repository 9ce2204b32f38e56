"""Writes small JPEG files of every kind to a folder, two bytes before each, to start fuzz_image from.

usage: seeds_image.py FOLDER      (needs Pillow)
"""
import itertools
import pathlib
import sys

from PIL import Image

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
picture = Image.radial_gradient("L").resize((29, 21))
picture = Image.merge("RGB", [picture, picture.rotate(90), picture.rotate(180)])
for mode, progressive, subsampling, restart, turned in itertools.product(("L", "RGB", "CMYK"), (False, True), (0, 1, 2), (0, 2),
                                                                         (1, 6)):
    exif = Image.Exif()
    exif[0x0112] = turned
    path = folder / f"{mode}-{int(progressive)}-{subsampling}-{restart}-{turned}"
    picture.convert(mode).save(path, "JPEG", quality=70, progressive=progressive, subsampling=subsampling,
                               restart_marker_blocks=restart, exif=exif if turned > 1 else b"")
    path.write_bytes(b"\x1f\x13" + path.read_bytes())
