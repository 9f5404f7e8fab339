"""Pictures: they keep to their bytes, come back everywhere alike, and refuse what is none."""

import hashlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.arch.images import BASIS_BITS, BLOCKS, LARGEST_QUALITY, PictureHeader, prior, step
from engram.errors import CannotMeet
from engram.images import transform
from engram.images.coding import Reader, Writer
from engram.images.peers import peer
from engram.images.pictures import Picture, encode
from engram.images.quality import psnr, ssim
from engram.images.samples import SAMPLES, sample

SIDE = 48


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_pictures_keep_to_their_bytes_and_regrow_from_them_alone(name, colour) -> None:
    image = sample(name, SIDE, colour=colour)
    found = [encode(image, nbytes) for nbytes in (52, 600)]
    assert len(found[0]) <= 52
    assert len(found[1]) <= 600
    again = [Picture.from_bytes(picture.payload).pixels for picture in found]
    assert [pixels.shape for pixels in again] == [image.shape] * 2
    assert again[0].dtype == np.uint8
    np.testing.assert_array_equal(again[1], found[1].pixels)
    assert psnr(image, again[0]) < psnr(image, again[1])


def test_a_picture_of_52_bytes_is_more_than_its_mean() -> None:
    image = sample("landscape", 128)
    plain = np.full_like(image, round(image.mean()))
    assert psnr(image, encode(image, 52).pixels) > psnr(image, plain) + 4


def test_pictures_beat_jpeg_on_a_landscape_and_noise_stays_noise() -> None:
    for nbytes in (900, 2000):
        image = sample("landscape", 128, colour=True)
        other = peer("jpeg", image, nbytes)
        assert other is not None
        assert other[0] <= nbytes
        assert psnr(image, encode(image, nbytes).pixels) > psnr(image, other[1])
    noise = sample("noise", SIDE)
    # A bit for every eighth pixel cannot tell noise: what comes back is about its mean.
    assert psnr(noise, encode(noise, SIDE * SIDE // 64).pixels) < 16


def test_smooth_pictures_gain_from_every_few_bytes() -> None:
    image = sample("gradient", 64)
    found = [psnr(image, encode(image, nbytes).pixels) for nbytes in (18, 22, 30, 60, 120)]
    assert found == sorted(found)
    assert found[0] > 40


def test_jpeg_and_webp_have_no_room_in_52_bytes() -> None:
    image = sample("landscape", colour=True)
    assert peer("jpeg", image, 52) is None
    assert peer("webp", image, 52) is None
    with pytest.raises(ValueError, match="peer must be one of jpeg, webp, not 'gif'"):
        peer("gif", image, 52)


def test_the_finest_pictures_are_all_but_exact() -> None:
    image = sample("text", SIDE)
    assert psnr(image, encode(image, 1 << 20).pixels) > 55


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 40), (37, 5, 3), (17, 33), (16, 16, 3)])
def test_every_shape_comes_back(shape) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for nbytes in (40, 4000):
        found = encode(image, nbytes)
        assert found.pixels.shape == shape
    assert psnr(image, found.pixels) > 38


def test_pixels_are_the_same_on_every_machine() -> None:
    # Bits that were right once: integers all the way, so another digest is another law.
    chance = np.random.default_rng(5)
    digest = hashlib.sha256()
    for block in BLOCKS:
        header = PictureHeader(70, 45, True, True, block, 90, 3)
        writer = Writer()
        for height, width in ((45, 70), (23, 35), (23, 35)):
            grid = transform.grid_of(height, width, block)
            blocks = chance.integers(-9, 10, (*grid, block, block), np.int32) // 6
            blocks[:, :, 0, 0] = 0
            writer.plane(chance.integers(-90, 90, (1, 1, *grid), np.int32), blocks)
        payload = header.to_bytes() + writer.payload()
        digest.update(payload)
        digest.update(Picture.from_bytes(payload).pixels.tobytes())
    assert digest.hexdigest() == DIGEST


DIGEST = "ae035880a070541423a24df9b5857eee4cfeb7a3e96a2429c8b9f1737f0a9418"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([(1, 1), (2, 3), (5, 1)]), st.sampled_from([8, 16, 32]),
    st.sampled_from([0.05, 0.6, 4, 300, 40_000]),
)  # fmt: skip
def test_coefficients_come_back_as_they_were_coded(seed, grid, block, scale) -> None:
    chance = np.random.default_rng(seed)
    planes = []
    writer = Writer()
    for _ in range(2):
        means = np.rint(chance.laplace(0, scale, (1, 1, *grid))).astype(np.int32)
        blocks = np.rint(chance.laplace(0, scale, (*grid, block, block))).astype(np.int32)
        blocks[:, :, 0, 0] = 0
        planes.append((means, blocks))
        writer.plane(means, blocks)
    reader = Reader(writer.payload())
    for plane in planes:
        for coded, found in zip(plane, reader.plane(grid, block), strict=True):
            np.testing.assert_array_equal(found, coded)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.booleans(), st.sampled_from(BLOCKS[:3]))
def test_wrong_bytes_end_in_pixels_or_in_a_refusal(body, colour, block) -> None:
    header = PictureHeader(50, 30, colour, colour, block, 60, 0)
    # Nothing but a ValueError may come of them, and what comes back has the size asked for.
    with suppress(ValueError):
        pixels = Picture.from_bytes(header.to_bytes() + body).pixels
        assert pixels.shape == ((30, 50, 3) if colour else (30, 50))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=12))
def test_headers_are_checked(data) -> None:
    with suppress(ValueError):
        header, at = PictureHeader.from_bytes(b"\xe1" + data)
        assert PictureHeader.from_bytes(header.to_bytes()) == (header, len(header.to_bytes()))
        assert at >= len(header.to_bytes())


def test_ten_bytes_cannot_ask_for_gigabytes() -> None:
    header = PictureHeader(16384, 16384, True, False, 8, 0, 0)
    with pytest.raises(ValueError, match="at most 67108864 pixels"):
        Picture.from_bytes(header.to_bytes() + bytes(10))
    narrow = replace(header, height=1)
    assert PictureHeader.from_bytes(narrow.to_bytes())[0] == narrow


def test_no_cosine_lies_where_two_libraries_could_round_it_apart() -> None:
    for size in (*BLOCKS, 1, 3, 100, 512, 2048):
        frequency, place = np.ogrid[:size, :size]
        turns = (2 * place + 1) * frequency % (4 * size)
        waves = np.cos(turns * (np.pi / (2 * size))) * np.sqrt(2 / size) * (1 << BASIS_BITS)
        waves[0] = np.sqrt(1 / size) * (1 << BASIS_BITS)
        assert np.abs(waves % 1 - 0.5).min() > 1e-9
        basis = transform._basis(size).astype(np.float64) / (1 << BASIS_BITS)
        assert np.abs(basis @ basis.T - np.eye(size)).max() < 2e-3


def test_steps_rise_by_sixteenths_of_an_octave() -> None:
    widths = [step(quality) for quality in range(LARGEST_QUALITY + 1 + 28)]
    assert widths[:17:16] == [16, 32]
    assert widths == sorted(widths)
    assert abs(widths[191] / 2 ** (4 + 191 / 16) - 1) < 1e-4
    assert all(min(prior(context)) >= 1 for context in range(12))


def test_what_is_no_picture_is_refused() -> None:
    image = sample("gradient", 16)
    with pytest.raises(TypeError, match="image must be an array of uint8"):
        encode(image.astype(np.float32), 100)
    for shape in ((4,), (4, 4, 4), (0, 4), (16385, 1)):
        with pytest.raises(ValueError, match="image must have"):
            encode(np.zeros(shape, np.uint8), 100)
    with pytest.raises(TypeError, match="nbytes must be an integer"):
        encode(image, 1.5)
    with pytest.raises(ValueError, match="nbytes must be positive"):
        encode(image, 0)
    with pytest.raises(CannotMeet, match=r"the least takes \d+"):
        encode(image, 3)
    with pytest.raises(ValueError, match="sample must be one of landscape"):
        sample("cat")


def test_ssim_is_1_for_the_same_and_falls_with_noise() -> None:
    image = sample("shapes", SIDE, colour=True)
    assert ssim(image, image) == pytest.approx(1)
    assert psnr(image, image) == float("inf")
    chance = np.random.default_rng(0)
    found = []
    for spread in (5, 20, 60):
        noisy = np.clip(image + chance.normal(0, spread, image.shape), 0, 255).astype(np.uint8)
        found.append(ssim(image, noisy))
        assert psnr(image, noisy) == pytest.approx(48.1 - 20 * np.log10(spread), abs=2.5)
    assert found == sorted(found, reverse=True)
    # Contrast and place matter to it, a shift of brightness little.
    assert ssim(image, np.clip(image.astype(int) + 5, 0, 255).astype(np.uint8)) > 0.98
