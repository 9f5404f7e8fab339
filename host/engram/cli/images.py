"""`engram image`: pictures in as few bytes as asked, back again, and a ladder of sizes."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engram.cli.files import check_output, write_file
from engram.cli.options import Json, Verbose
from engram.cli.terminal import console, print_json, size, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engram.images.ladder import Entry, Rung

__all__ = ["image"]

_NEEDS = "pictures need the extra `images`: pip install 'engram[images]'"

_Picture = Annotated[
    str,
    typer.Argument(
        help="A picture that Pillow reads, or sample:NAME (landscape, gradient, shapes, text, "
        "noise), made by rules.",
        metavar="PICTURE",
    ),
]
_Grey = Annotated[bool, typer.Option("--grey", help="Take the brightness only.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]

image = typer.Typer(
    help="Keep pictures in as few bytes as asked.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@image.command()
def put(
    picture: _Picture,
    output: Annotated[Path, typer.Argument(help="The file to make.", metavar="FILE")],
    nbytes: Annotated[
        int, typer.Option("--bytes", "-b", help="Most bytes of the file.", metavar="COUNT")
    ],
    grey: _Grey = False,
    force: _Force = False,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Write a picture into so many bytes, everything included, as well as can be.

    Example: `engram image put photo.jpg photo.egp --bytes 1024`
    """
    check_output(output, force=force)
    pixels = _read(picture, grey=grey)
    _need()
    from engram.images.pictures import encode
    from engram.images.quality import psnr, ssim

    found = encode(pixels, nbytes)
    write_file(output, found.payload)
    summary = {
        "output": str(output),
        "bytes": len(found),
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "ratio": len(found) / pixels.nbytes,
        "psnr": _number(psnr(pixels, found.pixels)),
        "ssim": ssim(pixels, found.pixels),
    }
    if as_json:
        print_json(summary)
    else:
        typer.echo(
            f"{output}: {len(found):,} bytes for {size(pixels.nbytes)}, "
            f"{psnr(pixels, found.pixels):.2f} dB, SSIM {summary['ssim']:.3f}"
        )


@image.command()
def get(
    file: Annotated[Path, typer.Argument(help="What `put` has made.", metavar="FILE")],
    output: Annotated[
        Path, typer.Argument(help="A picture, in the format its name ends with.", metavar="PICTURE")
    ],
    force: _Force = False,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Regrow a picture; the same pixels on every machine.

    Example: `engram image get photo.egp photo.png`
    """
    check_output(output, force=force)
    payload = file.read_bytes()
    _need()
    from PIL import Image

    from engram.images.pictures import Picture

    try:
        found = Picture.from_bytes(payload).pixels
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    _save(Image.fromarray(found), output)
    if as_json:
        height, width = found.shape[:2]
        print_json({"output": str(output), "bytes": len(payload), "height": height, "width": width})
    else:
        typer.echo(f"{output}: {found.shape[1]} x {found.shape[0]} from {len(payload):,} bytes")


@image.command()
def ladder(
    picture: _Picture,
    sizes: Annotated[
        str | None,
        typer.Option("--sizes", help="Bytes, with commas between.", metavar="52,256,..."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="A picture of all pictures to make.", metavar="PICTURE"),
    ] = None,
    grey: _Grey = False,
    force: _Force = False,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Show what a picture keeps at each size, beside JPEG and WebP in no more bytes.

    Example: `engram image ladder sample:landscape --sheet ladder.png`
    """
    if sheet is not None:
        check_output(sheet, force=force)
    wanted = None if sizes is None else [_size(text) for text in sizes.split(",")]
    pixels = _read(picture, grey=grey)
    _need()
    from rich.progress import Progress

    from engram.images.ladder import SIZES, contact_sheet
    from engram.images.ladder import ladder as climb

    chosen = SIZES if wanted is None else wanted
    watched = console(stderr=True)
    with Progress(console=watched, transient=True, disable=not watched.is_terminal) as progress:
        task = progress.add_task("", total=len(set(chosen)))
        rungs = climb(pixels, chosen, progress=lambda _: progress.advance(task))
    if sheet is not None:
        _save(contact_sheet(pixels, rungs), sheet)
    if as_json:
        height, width = pixels.shape[:2]
        print_json(
            {
                "height": height,
                "width": width,
                "rungs": [_rung(rung) for rung in rungs],
                "sheet": None if sheet is None else str(sheet),
            }
        )
        return
    rows = [
        (f"{rung.most:,}", *_row(rung.entry("engram")), *_row(rung.entry("jpeg")),
         *_row(rung.entry("webp")))
        for rung in rungs
    ]  # fmt: skip
    columns = ["bytes"]
    for name in ("engram", "JPEG", "WebP"):
        columns += [f"{name} B", "dB", "SSIM"]
    console().print(table(columns, rows, left=0))
    if sheet is not None:
        typer.echo(str(sheet))


def _read(name: str, *, grey: bool) -> "NDArray[Any]":
    """Return the pixels of a picture or a sample; stray colours become grey or RGB."""
    _need()
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    kind, colon, rest = name.partition(":")
    if kind == "sample" and colon:
        from engram.images.samples import sample

        return sample(rest, colour=not grey)
    try:
        with Image.open(name) as found:
            plain = grey or found.mode in ("1", "L", "LA", "I", "I;16", "F")
            return np.asarray(found.convert("L" if plain else "RGB"))
    except UnidentifiedImageError:
        raise ValueError(f"PICTURE must be a picture that Pillow reads, not {name!r}") from None


def _need() -> None:
    import importlib.util

    if any(importlib.util.find_spec(name) is None for name in ("PIL", "scipy", "constriction")):
        raise ImportError(_NEEDS)


def _save(picture: Any, output: Path) -> None:
    import io

    from PIL import Image

    form = Image.registered_extensions().get(output.suffix.lower())
    if form is None or form not in Image.SAVE:
        raise ValueError(f"PICTURE must end as a picture's name does (.png), not {str(output)!r}")
    buffer = io.BytesIO()
    picture.save(buffer, form)
    write_file(output, buffer.getvalue())


def _size(text: str) -> int:
    from engram.cli.expressions import integer

    return integer(text, "--sizes")


def _number(value: float) -> float | None:
    """Return a number that JSON knows: no decibels tell that nothing differs."""
    return value if math.isfinite(value) else None


def _row(entry: "Entry | None") -> tuple[str, str, str]:
    if entry is None:
        return "-", "-", "-"
    return f"{entry.nbytes:,}", f"{entry.psnr:.2f}", f"{entry.ssim:.3f}"


def _rung(rung: "Rung") -> dict[str, Any]:
    return {
        "bytes": rung.most,
        **{
            entry.coder: {
                "bytes": entry.nbytes, "psnr": _number(entry.psnr), "ssim": entry.ssim,
            }
            for entry in rung.entries
        },
    }  # fmt: skip
