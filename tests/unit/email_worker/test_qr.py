"""The quick QR codes are the same symbols that segno draws."""

import zlib
from itertools import batched

import pytest
import segno

from services.email_worker.qr import LARGEST, MASK, QUIET, SCALE, TooLong, _capacity, qr_png

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def modules(png: bytes) -> list[list[int]]:
    """Read back from the picture: one of each SCALE by SCALE pixels, without the quiet zone."""
    width, height = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
    length = int.from_bytes(png[33:37])
    image = zlib.decompress(png[41 : 41 + length])
    bars = [bytes(row[1:]) for row in batched(image, width // 8 + 1, strict=True)][::SCALE]
    pixels = [f"{int.from_bytes(bar):0{width}b}"[::SCALE] for bar in bars]
    assert height == len(pixels) * SCALE
    return [[1 - int(pixel) for pixel in row[QUIET : -QUIET - 1]] for row in pixels[QUIET:-QUIET]]


@pytest.mark.parametrize("version", range(1, LARGEST + 1))
def test_a_symbol_of_every_size_is_the_one_segno_draws(version: int) -> None:
    text = "".join(ALPHABET[(index * index + version) % len(ALPHABET)] for index in range(_capacity(version)))
    drawn = segno.make(text, version=version, mode="byte", error="L", mask=MASK, boost_error=False, micro=False)

    png = qr_png(text)

    assert modules(png) == [list(row) for row in drawn.matrix]


def test_a_ticket_needs_a_symbol_of_its_own_size_only() -> None:
    assert len(modules(qr_png("x" * 369))) == 69
    assert len(modules(qr_png(""))) == 21


def test_what_fits_into_no_symbol_is_refused() -> None:
    with pytest.raises(TooLong):
        qr_png("x" * 3000)
