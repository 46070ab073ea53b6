"""The company's logo: what may be one, and the small picture that is kept of it."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from daemon.rules.refusal import Refusal
from daemon.rules.sentence import say

#: Bytes that may be sent: a form of the web UI takes 512 kB in all.
LARGEST_FILE = 400_000
#: Pixels that a picture may have; a compressed bomb of more is never unpacked.
MOST_PIXELS = 25_000_000
#: Pixels that are kept: 220 dpi at the size it is printed in.
WIDEST, HIGHEST = 480, 200
TOO_MANY = say("The picture has too many points: save it smaller")


@dataclass(frozen=True, slots=True)
class Logo:
    """A PNG of at most 480 x 200 pixels."""

    content: bytes
    width: int
    height: int


def read_logo(content: bytes) -> Logo:
    """The logo in an uploaded PNG or JPEG: checked, made upright, without its metadata, shrunk to what is printed.

    Refused (field `logo`): an empty or too large file, another format, a picture that is broken or too large.
    """
    if not content:
        raise Refusal("logo", "Choose a picture: a PNG or JPEG file")
    if len(content) > LARGEST_FILE:
        raise Refusal(
            "logo", say("The picture may have at most {most} kB: save it smaller", most=LARGEST_FILE // 1000)
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bomb is refused below, by its own sentence
            picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if picture.width * picture.height > MOST_PIXELS:
            raise Refusal("logo", TOO_MANY)
        return _kept(picture)
    except UnidentifiedImageError as error:
        raise Refusal("logo", "This is no PNG or JPEG picture: save the logo as one of these") from error
    except Image.DecompressionBombError as error:
        raise Refusal("logo", TOO_MANY) from error
    except (OSError, ValueError, SyntaxError) as error:
        # Pillow tells of broken files in each of these ways.
        raise Refusal("logo", "The picture is broken: save it again, as PNG or JPEG") from error


def _kept(picture: Image.Image) -> Logo:
    orientation = picture.getexif().get(0x0112, 1)
    turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    upright: Image.Image = picture.convert("RGBA")
    if orientation in turned:
        upright = upright.transpose(turned[orientation])
    # Paper is white: what shines through is white, and no viewer needs to know about transparency.
    flat = Image.new("RGB", upright.size, "white")
    flat.paste(upright, mask=upright.getchannel("A"))
    flat.thumbnail((WIDEST, HIGHEST), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    flat.save(out, "PNG", optimize=True)
    return Logo(out.getvalue(), flat.width, flat.height)
