"""What may be a logo, and what is kept of it."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from daemon.papers.logo import HIGHEST, LARGEST_FILE, WIDEST, read_logo
from daemon.rules.refusal import Refusal
from tests.papers.facts import picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_is_kept_small_and_as_png(kind: str) -> None:
    kept = read_logo(picture(1200, 300, kind))
    assert (kept.width, kept.height) == (WIDEST, 120)
    with Image.open(io.BytesIO(kept.content)) as again:
        assert (again.format, again.size, again.mode) == ("PNG", (WIDEST, 120), "RGB")


def test_a_high_picture_is_as_high_as_its_room() -> None:
    kept = read_logo(picture(300, 900))
    assert kept.height == HIGHEST


def test_what_shines_through_is_white_as_paper_is() -> None:
    with Image.open(io.BytesIO(read_logo(picture(400, 100, mode="RGBA")).content)) as kept:
        assert kept.getpixel((399, 0)) == (255, 255, 255)


def test_a_photograph_lying_on_its_side_is_put_upright() -> None:
    lying = Image.new("RGB", (200, 100), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    lying.save(out, "JPEG", exif=exif)
    kept = read_logo(out.getvalue())
    assert (kept.width, kept.height) == (100, 200)
    with Image.open(io.BytesIO(kept.content)) as again:
        assert not again.getexif(), "nothing of where the photograph was taken is kept"


def bomb() -> bytes:
    """A PNG of a few bytes that says it has ten thousand million points."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (10, 10)).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no PNG or JPEG"),
        (b"%PDF-1.4", "no PNG or JPEG"),
        (gif(), "no PNG or JPEG"),
        (b"\x89PNG\r\n\x1a\n", "no PNG or JPEG"),
        (picture()[:300], "broken"),
        (picture(kind="JPEG")[:500], "broken"),
        (bomb(), "save it smaller"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * LARGEST_FILE, "at most 400 kB"),
    ],
    ids=["nothing", "svg", "pdf", "gif", "only a mark", "half a PNG", "half a JPEG", "bomb", "too heavy"],
)
def test_what_is_no_logo_is_refused_with_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_logo(content)
    assert refused.value.field == "logo"
    assert said in str(refused.value.sentence)
