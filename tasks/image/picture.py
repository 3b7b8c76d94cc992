"""A picture as this task knows it: upright 8-bit RGB of bounded size, whatever it was when it was sent or dropped.

Both training and serving take pictures through here. Colour profiles are not applied: pixels are what the file stores.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

# Pillow loads these as it is asked for them; for one that it has not, it loads all forty that it knows.
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.Image import Resampling, Transpose

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SIDE: Final = 512
# Decoded, a pixel takes 4 bytes, and canonical() holds two pictures of full size at most, beside its decoder's memory.
# Of so many pixels the process was measured to take 520 MB for a JPEG and 810 MB for a WebP, in 4 to 9 seconds, where
# Prepare has 1,769 MB. Whoever serves pictures lets one be decoded at a time.
MAX_PIXELS: Final = 50_000_000
# What a JPEG can have. To reduce a longer side would take more memory than its pixels do.
MAX_FULL_SIDE: Final = 65_535
# A JPEG may go over all of its pixels any number of times, and each time counts: one that programs write has ten.
_MOST_SCANNED: Final = 20 * MAX_PIXELS
_JPEG_SCAN: Final = b"\xff\xda"
# The pixels of a picture of 512 x 512 take 786 KB, and a PNG of them hardly more. What is beyond that is no picture.
MAX_KEPT_BYTES: Final = 1_000_000

_PLUGINS: Final = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    BmpImagePlugin.BmpImageFile,
    TiffImagePlugin.TiffImageFile,
)
_FORMATS: Final = tuple(plugin.format for plugin in _PLUGINS)
_KEPT: Final = ("JPEG", "PNG", "WEBP")
_SAVE_AS: Final = "save it as JPEG or PNG"
_JPEG_QUALITY: Final = 95
# Of the bytes of a PNG: how many bits a channel has (its first chunk, IHDR, has a fixed place).
_PNG_DEPTH: Final = 24
_ORIENTATION: Final = 0x0112
# By the value of EXIF's orientation: what turns the picture upright.
_UPRIGHT: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_STRIP_PIXELS: Final = 1 << 20
# How a file begins that is a picture, or looks like one, and is not read here.
_OTHERS: Final = {
    b"%PDF": "a PDF document",
    b"8BPS": "a Photoshop document",
    b"\x00\x00\x01\x00": "an icon",
    b"\xff\x0a": "a JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000",
    b"\xff\x4f\xff\x51": "a JPEG 2000",
}
_HEIF: Final = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF", b"avis": "AVIF"}
# What Pillow raises for a file that is not as its format wants it.
_BROKEN: Final = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error, Warning
)  # fmt: skip


class PictureRefused(ValueError):
    """A picture cannot be used: `rule` is its short, stable name, the message says what is wrong and how to mend it."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class Picture(NamedTuple):
    """A canonical picture: its identity, the encoded bytes that are kept of it, and their width and height in pixels.

    `sha256` is that of width, height and the upright RGB pixels at full size, before any reduction.
    """

    sha256: str
    content: bytes
    size: tuple[int, int]


def canonical(content: bytes) -> Picture:
    """The picture that `content`, an encoded one, is: upright, its alpha laid over white, 8-bit RGB.

    `content` is kept as it is where it is JPEG, PNG or WebP and all of that already, and at most MAX_SIDE pixels long.
    Else it is encoded again: as PNG, or as JPEG where it had to be reduced to MAX_SIDE. What this returns stays what it
    is if it is given again. Raises PictureRefused: `not-an-image`, `format`, `truncated`, `animated`,
    `too-many-pixels`.
    """
    image = _open(content)
    name = image.format or "a picture"
    try:
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        plain = turn is None and _is_plain(image, content)
        if turn is not None:
            image = image.transpose(turn)
        digest, rgb = _upright_rgb(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many() from error
    except _BROKEN as error:
        raise _truncated(name) from error
    if max(rgb.size) > MAX_SIDE:
        return Picture(digest, *_reduced(rgb))
    return Picture(digest, content if plain else _encoded(rgb, "PNG"), rgb.size)


def size(content: bytes) -> int:
    """How many pixels an encoded picture has, by its header. Raises PictureRefused, as `canonical` does."""
    with _open(content) as image:
        return image.width * image.height


def pixels(content: bytes, side: int) -> NDArray[np.uint8]:
    """The RGB pixels of a canonical picture as a model sees it: (side, side, 3), 0 to 255.

    The whole picture is resized to a square, whatever its shape: cropping could cut off what the label is about, and
    bars at its sides would be learned, too. Training, gate and serving see the same distortion.
    """
    import numpy as np  # Prepare, which needs canonical() alone, has none

    with Image.open(io.BytesIO(content), formats=_KEPT) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Resampling.BILINEAR))


def _open(content: bytes) -> Image.Image:
    """The picture with its header read, its pixels not decoded yet. Raises PictureRefused."""
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        several = getattr(image, "is_animated", False) and image.format != "MPO"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many() from error
    except _BROKEN as error:
        raise _unknown(content) from error
    # Pillow opens none of a side without pixels.
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_FULL_SIDE:
        raise _too_many(image.size)
    if image.format in ("JPEG", "MPO") and content.count(_JPEG_SCAN) * width * height > _MOST_SCANNED:
        raise PictureRefused("too-many-pixels", f"its pixels are stored too many times over: {_SAVE_AS} again")
    # A phone's JPEG may have a small copy or a map of its light behind the picture (MPO), which is the first.
    if several:
        raise PictureRefused("animated", f"it has several frames or pages: {_SAVE_AS}, each by itself")
    if content[_PNG_DEPTH : _PNG_DEPTH + 1] == b"\x10" and image.format == "PNG" and "transparency" in image.info:
        # Pillow compares that colour with what it has made 8 bits of.
        raise PictureRefused("format", f"it has 16 bits and a colour that is transparent: {_SAVE_AS} of 8 bits")
    if image.mode in ("I", "F", "LAB"):
        raise PictureRefused("format", f"its pixels are no colours of 8 or 16 bits (mode {image.mode}): {_SAVE_AS}")
    return image


def _unknown(content: bytes) -> PictureRefused:
    """Why a file is not opened at all."""
    if not content:
        return PictureRefused("not-an-image", "it is empty: export it again")
    for magic, what in _OTHERS.items():
        if content.startswith(magic):
            return PictureRefused("format", f"it is {what}, which is not read: {_SAVE_AS}")
    if content[4:8] == b"ftyp":
        what = _HEIF.get(content[8:12], "video, or a picture of a video's format")
        return PictureRefused("format", f"it is {what}, which is not read: {_SAVE_AS}")
    if content.lstrip()[:4].lower() in (b"<svg", b"<?xm"):
        return PictureRefused("format", f"it is SVG or other XML, which is not read: {_SAVE_AS}")
    for plugin in _PLUGINS:
        accept = Image.OPEN[plugin.format][1]
        if accept and accept(content[:16]) is True:
            return _truncated(plugin.format)
    return PictureRefused("not-an-image", f"it is no picture of a format that is read: {_SAVE_AS}")


def _truncated(format_name: str) -> PictureRefused:
    return PictureRefused("truncated", f"it is cut off or damaged as {format_name}: copy or export it again")


def _too_many(size: tuple[int, int] | None = None) -> PictureRefused:
    has = f"{size[0]:,} x {size[1]:,} pixels" if size else "pixels"
    most = f"{MAX_PIXELS:,} and {MAX_FULL_SIDE:,} on a side"
    return PictureRefused("too-many-pixels", f"it has {has}, over the limit of {most}: make it smaller")


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except _BROKEN:
        # As browsers do: the picture is as good without. It is shown as it is stored then.
        return 1
    return found if isinstance(found, int) else 1


def _is_plain(image: Image.Image, content: bytes) -> bool:
    """Whether a decoded, upright picture has nothing that another program could read in another way."""
    if image.format not in _KEPT or image.mode not in ("RGB", "L") or len(content) > MAX_KEPT_BYTES:
        return False
    return not image.has_transparency_data and (image.format != "PNG" or content[_PNG_DEPTH] == 8)


def _upright_rgb(image: Image.Image) -> tuple[str, Image.Image]:
    """The SHA-256 of an upright picture's RGB pixels, and the picture of them, strip by strip: in little memory."""
    rgb = Image.new("RGB", image.size)
    digest = hashlib.sha256(struct.pack(">II", *image.size))
    for top, strip in _strips(image):
        digest.update(strip.tobytes())
        rgb.paste(strip, (0, top))
    return digest.hexdigest(), rgb


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture as RGB in strips of some rows, each with the row that it begins at."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, _rgb(image.crop((0, top, image.width, min(top + rows, image.height))))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Of 16 bits the upper 8: as Pillow has it where there are several channels.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _reduced(rgb: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """A larger picture at MAX_SIDE on its longer side, encoded, and its size."""
    scale = MAX_SIDE / max(rgb.size)
    width, height = (max(1, round(side * scale)) for side in rgb.size)
    small = rgb.resize((width, height), Resampling.LANCZOS)
    return _encoded(small, "JPEG"), small.size


def _encoded(rgb: Image.Image, format_name: str) -> bytes:
    out = io.BytesIO()
    if format_name == "JPEG":
        rgb.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        rgb.save(out, "PNG")
    return out.getvalue()
