"""A picture has one form and one identity, whatever file it came in."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tasks.image.picture import MAX_KEPT_BYTES, MAX_PIXELS, MAX_SIDE, PictureRefused, canonical, pixels

_ORIENTATION = 0x0112
# What a camera that is held so stores: the way back from what turns it upright.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
# Formats that give back the pixels that they were given.
_LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "WEBP": {"lossless": True},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
}


def _noise(width: int = 24, height: int = 16, bands: int = 3, seed: int = 7) -> Image.Image:
    shape = (height, width, bands) if bands > 1 else (height, width)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def _scene(width: int = 48, height: int = 32) -> Image.Image:
    """Four fields of one colour each: what a lossy format leaves nearly as it is."""
    image = Image.new("RGB", (width, height), "red")
    for place, colour in (((width // 2, 0), "lime"), ((0, height // 2), "blue"), ((width // 2, height // 2), "white")):
        image.paste(Image.new("RGB", (width // 2, height // 2), colour), place)
    return image


def _encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def _turned(image: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    stored = _STORED[orientation]
    return image if stored is None else image.transpose(stored), exif


def _kept(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def _png(
    size: tuple[int, int], depth: int, colours: int, raw: bytes, *, interlaced: bool = False, **more: bytes
) -> bytes:
    """A PNG that Pillow reads and does not write, of rows that begin with their filter's number each."""
    header = struct.pack(">IIBBBBB", *size, depth, colours, 0, 0, interlaced)
    chunks = {"IHDR": header, **more, "IDAT": zlib.compress(raw), "IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks.items())


def _chunk(name: str, content: bytes) -> bytes:
    typed = name.encode() + content
    return struct.pack(">I", len(content)) + typed + struct.pack(">I", zlib.crc32(typed))


def _refused(content: bytes) -> PictureRefused:
    with pytest.raises(PictureRefused) as caught:
        canonical(content)
    return caught.value


def test_plain_pictures_are_kept_as_they_are() -> None:
    image = _noise()
    for content in (
        _encoded(image, "JPEG"),
        _encoded(image, "JPEG", progressive=True),
        _encoded(image, "PNG"),
        _encoded(image, "WEBP"),
        _encoded(image, "WEBP", lossless=True),
        _encoded(image.convert("L"), "PNG"),
        _encoded(image.convert("L"), "JPEG"),
    ):
        assert canonical(content).content == content


def test_a_lossless_format_changes_no_identity() -> None:
    image = _noise()
    known = canonical(_encoded(image, "PNG"))
    for name, options in _LOSSLESS.items():
        found = canonical(_encoded(image, name, **options))
        assert found.sha256 == known.sha256
        assert (_kept(found.content) == np.asarray(image)).all()


def test_another_pixel_or_another_shape_is_another_picture() -> None:
    image = _noise()
    other = image.copy()
    other.putpixel((5, 5), (1, 2, 3))
    reshaped = Image.frombytes("RGB", (image.height, image.width), image.tobytes())
    assert len({canonical(_encoded(each, "PNG")).sha256 for each in (image, other, reshaped)}) == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    image = _noise()
    stored, exif = _turned(image, orientation)
    for name in ("PNG", "WEBP", "TIFF"):
        found = canonical(_encoded(stored, name, exif=exif, **_LOSSLESS[name]))
        assert found.sha256 == canonical(_encoded(image, "PNG")).sha256
        assert found.size == image.size
        assert (_kept(found.content) == np.asarray(image)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright(orientation: int) -> None:
    stored, exif = _turned(_scene(), orientation)
    found = canonical(_encoded(stored, "JPEG", quality=95, exif=exif))
    assert np.abs(_kept(found.content).astype(int) - np.asarray(_scene())).mean() < 5


def test_a_broken_orientation_leaves_the_picture_as_it_is_stored() -> None:
    image = _noise()
    for exif in (b"Exif\0\0not exif at all", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", _turned(image, 1)[1].tobytes()[:-3]):
        assert canonical(_encoded(image, "PNG", exif=exif)).sha256 == canonical(_encoded(image, "PNG")).sha256


def test_alpha_is_laid_over_white() -> None:
    image = _noise(bands=4)
    expected = np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))
    for name in ("PNG", "WEBP", "TIFF"):
        found = canonical(_encoded(image, name, **({"lossless": True, "exact": True} if name == "WEBP" else {})))
        assert (_kept(found.content) == expected).all()
    invisible = _encoded(Image.new("RGBA", (9, 9), (200, 0, 0, 0)), "PNG")
    assert (_kept(canonical(invisible).content) == 255).all()


def test_grey_with_alpha_is_laid_over_white() -> None:
    image = Image.new("LA", (4, 4), (100, 0))
    assert (_kept(canonical(_encoded(image, "PNG")).content) == 255).all()


def test_a_palette_is_resolved_and_its_transparent_colour_is_white() -> None:
    image = Image.new("P", (4, 2), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((3, 1), 1)
    for name in ("PNG", "GIF"):
        plain, see_through = (canonical(_encoded(image, name, **more)) for more in ({}, {"transparency": 1}))
        assert _kept(plain.content)[0, 0].tolist() == [10, 20, 30]
        assert _kept(plain.content)[1, 3].tolist() == [40, 50, 60]
        assert _kept(see_through.content)[0, 0].tolist() == [10, 20, 30]
        assert _kept(see_through.content)[1, 3].tolist() == [255, 255, 255]


def test_one_bit_is_black_and_white() -> None:
    image = _noise(bands=1).convert("1")
    for name in ("PNG", "TIFF", "BMP"):
        assert (_kept(canonical(_encoded(image, name)).content) == np.asarray(image.convert("RGB"))).all()
    # Its transparent colour, too: a white pixel becomes none, and so white.
    see_through = _png((8, 1), 1, 0, b"\0\xaa", tRNS=b"\0\0")
    assert (_kept(canonical(see_through).content) == 255).all()


def test_of_16_bits_the_upper_8_count() -> None:
    values = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16) + 200
    upper = np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    grey = Image.fromarray(values)
    rows = b"".join(b"\0" + line.astype(">u2").tobytes() for line in np.repeat(values[..., None], 3, axis=2))
    for content in (
        _encoded(grey, "PNG"),
        _encoded(grey, "TIFF"),
        _encoded(Image.frombytes("I;16B", (16, 16), values.astype(">u2").tobytes()), "TIFF"),
        _png((16, 16), 16, 2, rows),
    ):
        found = canonical(content)
        assert (_kept(found.content) == upper).all()
        # Another program may read 16 bits in another way, so the kept picture has 8.
        assert found.content != content


def test_16_bits_with_a_transparent_colour_are_refused() -> None:
    grey = _png((2, 1), 16, 0, b"\0\x10\x20\xff\x00", tRNS=b"\x10\x20")
    colour = _png((2, 1), 16, 2, b"\0" + b"\x10\x20" * 3 + b"\xff\x00" * 3, tRNS=b"\x10\x20" * 3)
    for content in (grey, colour):
        assert _refused(content).rule == "format"


def test_an_interlaced_png_is_the_same_picture() -> None:
    image = _noise(8, 8)
    values = np.asarray(image)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    lines = [line for top, left, down, right in passes for line in values[top::down, left::right]]
    content = _png((8, 8), 8, 2, b"".join(b"\0" + line.tobytes() for line in lines), interlaced=True)
    assert canonical(content).sha256 == canonical(_encoded(image, "PNG")).sha256
    assert canonical(content).content == content


def test_print_colours_become_rgb() -> None:
    scene = _scene()
    found = canonical(_encoded(scene.convert("CMYK"), "JPEG", quality=95))
    assert np.abs(_kept(found.content).astype(int) - np.asarray(scene)).mean() < 5
    assert canonical(_encoded(scene.convert("CMYK"), "TIFF")).sha256 == canonical(_encoded(scene, "PNG")).sha256


def test_other_ways_to_store_rgb() -> None:
    scene = _scene()
    known = canonical(_encoded(scene, "PNG")).sha256
    for compression in ("raw", "tiff_deflate", "packbits"):
        assert canonical(_encoded(scene, "TIFF", compression=compression)).sha256 == known
    assert canonical(_encoded(scene.convert("P", palette=Image.Palette.ADAPTIVE), "GIF")).sha256 == known
    assert canonical(_encoded(scene.convert("RGBA"), "BMP")).sha256 == known
    jpeg_in_tiff = canonical(_encoded(scene, "TIFF", compression="jpeg"))
    assert np.abs(_kept(jpeg_in_tiff.content).astype(int) - np.asarray(scene)).mean() < 5


def test_of_a_phone_s_picture_with_another_behind_it_the_first_counts() -> None:
    content = _encoded(_scene(), "MPO", save_all=True, append_images=[_noise()], quality=95)
    assert np.abs(_kept(canonical(content).content).astype(int) - np.asarray(_scene())).mean() < 5


def test_a_larger_picture_is_reduced_and_known_by_its_full_size() -> None:
    large = _noise(1030, 515)
    found = canonical(_encoded(large, "PNG"))
    assert found.size == (MAX_SIDE, 256)
    assert Image.open(io.BytesIO(found.content)).format == "JPEG"
    assert Image.open(io.BytesIO(found.content)).size == found.size
    assert found.sha256 == canonical(_encoded(large, "BMP")).sha256
    other = large.copy()
    other.putpixel((0, 0), (0, 0, 0))
    assert canonical(_encoded(other, "PNG")).sha256 != found.sha256


def test_what_is_kept_has_a_bound() -> None:
    padded = _encoded(_noise(), "PNG", exif=b"Exif\0\0" + bytes(MAX_KEPT_BYTES))
    assert len(canonical(padded).content) < 5_000
    assert canonical(padded).sha256 == canonical(_encoded(_noise(), "PNG")).sha256
    for worst in (_noise(MAX_SIDE, MAX_SIDE), _noise(MAX_SIDE + 1, MAX_SIDE + 1)):
        found = canonical(_encoded(worst, "BMP")).content
        assert len(found) < MAX_KEPT_BYTES
        assert canonical(found).content == found


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_one_pixel_is_a_picture(name: str) -> None:
    found = canonical(_encoded(Image.new("RGB", (1, 1), "white"), name))
    assert found.size == (1, 1)
    assert pixels(found.content, 8).tolist() == [[[255] * 3] * 8] * 8


def test_a_thread_of_pixels_is_a_picture() -> None:
    assert canonical(_encoded(Image.new("RGB", (2000, 1)), "PNG")).size == (MAX_SIDE, 1)


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames_are_refused(name: str) -> None:
    frames = [_noise(seed=seed) for seed in range(3)]
    refused = _refused(_encoded(frames[0], name, save_all=True, append_images=frames[1:]))
    assert refused.rule == "animated"
    assert "save it as JPEG or PNG" in str(refused)


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_one_frame_that_could_be_several_is_a_picture(name: str) -> None:
    assert canonical(_encoded(_noise(), name, save_all=True)).size == (24, 16)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_part_of_a_picture_is_refused(name: str) -> None:
    content = _encoded(_noise(64, 64), name)
    for share in (0.1, 0.5, 0.9):
        refused = _refused(content[: int(len(content) * share)])
        assert refused.rule == "truncated"
        assert "copy or export it again" in str(refused)


@pytest.mark.parametrize(
    ("content", "rule", "words"),
    [
        (b"", "not-an-image", "it is empty"),
        (b"hello", "not-an-image", "no picture of a format that is read: save it as JPEG or PNG"),
        (b"<!DOCTYPE html><html>", "not-an-image", "no picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "format", "it is HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "format", "it is AVIF"),
        (b"\0\0\0\x1cftypisom\0\0\0\0", "format", "it is video"),
        (b"%PDF-1.7", "format", "a PDF document"),
        (b"8BPS\0\1", "format", "a Photoshop document"),
        (b' \n<svg xmlns="http://www.w3.org/2000/svg"/>', "format", "it is SVG"),
        (_encoded(_noise(), "PPM"), "not-an-image", "no picture of a format that is read"),
        (_encoded(_noise(), "JPEG2000"), "format", "a JPEG 2000"),
        (_encoded(_noise(), "ICO"), "format", "an icon"),
        (_encoded(Image.new("F", (4, 4), 0.5), "TIFF"), "format", "no colours of 8 or 16 bits"),
        (_encoded(Image.new("I", (4, 4), 70_000), "TIFF"), "format", "no colours of 8 or 16 bits"),
        (_encoded(Image.new("LAB", (4, 4)), "TIFF"), "format", "no colours of 8 or 16 bits"),
    ],
)
def test_what_is_no_picture_is_told(content: bytes, rule: str, words: str) -> None:
    refused = _refused(content)
    assert refused.rule == rule
    assert words in str(refused)


def _claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says that it is so large."""
    return _png((width, height), 8, 2, b"\0")


@pytest.mark.parametrize(
    "content",
    [
        _claims(10_000, MAX_PIXELS // 10_000 + 1),
        _claims(10_000, 10_000),  # where Pillow warns
        _claims(30_000, 30_000),  # where Pillow refuses
        _claims(2**31 - 1, 2**31 - 1),
        _claims(65_536, 1),
        b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;",
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 1000, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
    ids=["a row more", "warned", "refused", "of 2**62 pixels", "too long", "gif", "bmp"],
)
def test_a_bomb_is_refused_by_its_header(content: bytes) -> None:
    refused = _refused(content)
    assert refused.rule == "too-many-pixels"
    assert "make it smaller" in str(refused)


def test_pixels_that_are_stored_many_times_over() -> None:
    body = io.BytesIO()
    Image.new("RGB", (1000, 1000), "red").save(body, "JPEG", progressive=True)
    content = body.getvalue()
    last = content[content.rindex(b"\xff\xda") : -2]
    assert canonical(content[:-2] + last + content[-2:]).sha256 == canonical(content).sha256
    with pytest.raises(PictureRefused, match="too many times") as caught:
        canonical(content[:-2] + last * 1000 + content[-2:])
    assert caught.value.rule == "too-many-pixels"


def test_a_bomb_takes_no_memory() -> None:
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_DATA, (300_000_000,) * 2)\n"
        "from tasks.image.picture import PictureRefused, canonical\n"
        "try: canonical(sys.stdin.buffer.read())\n"
        "except PictureRefused as error: print(error.rule)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=_claims(12_000, 12_000), capture_output=True, check=True
    )
    assert done.stdout == b"too-many-pixels\n"


def test_pixels_are_the_whole_picture_in_a_square() -> None:
    found = pixels(canonical(_encoded(_scene(), "PNG")).content, 16)
    assert found.shape == (16, 16, 3)
    assert found.dtype == np.uint8
    corners = [found[row, column].tolist() for row in (1, 14) for column in (1, 14)]
    assert corners == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    grey = canonical(_encoded(_noise(bands=1), "PNG"))
    assert pixels(grey.content, 4).shape == (4, 4, 3)


def test_pillow_is_left_as_it_was() -> None:
    program = (
        "from PIL import Image, ImageFile\n"
        "before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES\n"
        "from tasks.image.picture import canonical\n"
        "assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == before\n"
        "import sys; print(canonical(sys.stdin.buffer.read()).size, 'numpy' in sys.modules, len(Image.OPEN))\n"
    )
    content = _encoded(_noise(), "WEBP")
    done = subprocess.run([sys.executable, "-c", program], input=content, capture_output=True, check=True)
    # Neither numpy, which Prepare has not, nor the plugins of forty formats.
    size, has_numpy, formats = done.stdout.decode().rsplit(maxsplit=2)
    assert (size, has_numpy) == ("(24, 16)", "False")
    assert int(formats) < 15


_SIZES = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)), st.sampled_from([(513, 1), (1, 600), (512, 512), (700, 300)])
)


@settings(max_examples=60, deadline=None)
@given(
    size=_SIZES,
    bands=st.sampled_from([1, 3, 4]),
    seed=st.integers(0, 9),
    name=st.sampled_from(["PNG", "WEBP", "TIFF", "JPEG", "GIF"]),
    orientation=st.integers(1, 8),
)
def test_the_canonical_picture_stays_what_it_is(
    size: tuple[int, int], bands: int, seed: int, name: str, orientation: int
) -> None:
    image, exif = _turned(_noise(*size, bands=bands, seed=seed), orientation)
    if bands == 4 and name == "JPEG":
        image = image.convert("CMYK")
    once = canonical(_encoded(image, name, **({} if name == "GIF" else {"exif": exif})))
    again = canonical(once.content)
    assert (again.content, again.size) == (once.content, once.size)
    assert max(once.size) <= MAX_SIDE
    if max(size) <= MAX_SIDE:
        assert again.sha256 == once.sha256


@settings(max_examples=60, deadline=None)
@given(
    size=_SIZES,
    bands=st.sampled_from([1, 3]),
    seed=st.integers(0, 9),
    name=st.sampled_from(list(_LOSSLESS)),
    orientation=st.integers(1, 8),
)
def test_neither_a_lossless_format_nor_a_turn_changes_who_it_is(
    size: tuple[int, int], bands: int, seed: int, name: str, orientation: int
) -> None:
    image = _noise(*size, bands=bands, seed=seed)
    stored, exif = _turned(image, orientation)
    known = canonical(_encoded(image, "PNG"))
    if name == "BMP":  # it has no EXIF
        stored, exif = _turned(image, 1)
    found = canonical(_encoded(stored, name, exif=exif, **_LOSSLESS[name]))
    assert (found.sha256, found.size) == (known.sha256, known.size)
