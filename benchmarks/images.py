"""Pictures at each size beside JPEG and WebP: `python -m benchmarks.images`."""

import time

from benchmarks.tables import FIGURES, Results, Section, Table
from engram.images.ladder import Entry, contact_sheet, ladder
from engram.images.quality import psnr
from engram.images.samples import SAMPLES, sample

__all__ = ["main", "measured"]

SIZES = (52, 256, 1024, 4096, 16384)
SHEETS = ("landscape", "text")
SHEET_SIZES = (52, 256, 1024, 4096)
CODERS = ("engram", "jpeg", "webp")


def measured(names: tuple[str, ...] = tuple(SAMPLES), side: int = 256) -> Section:
    """Return a table of all samples, in colour, at all sizes."""
    columns = ["picture", "at most"]
    for name in ("engram", "JPEG", "WebP"):
        columns += [f"{name} bytes", "dB", "SSIM"]
    table = Table("ladder", tuple(columns))
    for name in names:
        image = sample(name, side, colour=True)
        rungs = ladder(image, SIZES)
        for rung in rungs:
            cells = [cell for coder in CODERS for cell in _cells(rung.entry(coder))]
            table.add(name, rung.most, *cells)
        if name in SHEETS:
            shown = [rung for rung in rungs if rung.most in SHEET_SIZES]
            contact_sheet(image, shown).save(FIGURES / f"images_{name}.webp", lossless=True)
    noise = sample("noise", side, colour=True)
    mean = noise.mean(axis=(0, 1), keepdims=True).round().astype(noise.dtype)
    table.note(
        f"Pictures of {side} x {side} pixels in RGB, {3 * side * side:,} bytes plain, made by "
        "rules (`engram.images.samples`). Quality is PSNR over all components, and mean SSIM of "
        "the components. JPEG and WebP by Pillow at the best quality that fits; an empty cell "
        "means that their coarsest picture takes more."
    )
    table.note(
        f"Noise painted in its mean colour has {psnr(noise, noise * 0 + mean):.2f} dB: what stands "
        "above that is what was kept of it."
    )
    return Section([table])


def _cells(entry: Entry | None) -> tuple[int | float | None, ...]:
    if entry is None:
        return None, None, None
    return entry.nbytes, min(entry.psnr, 99.0), entry.ssim


def main() -> None:
    """Measure, print, and write the table and the contact sheets."""
    started = time.perf_counter()
    section = measured()
    Results("images").write_section("ladder", section, time.perf_counter() - started)


if __name__ == "__main__":
    main()
