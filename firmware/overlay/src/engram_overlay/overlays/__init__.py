"""Where pynq.Overlay("engram.bit") looks: the folder of the board at hand."""

from collections.abc import Iterator

from engram_overlay.boards import FOLDER, board_at_hand

__all__: list[str] = []


class _Folders:
    """The path of this package, found out whenever somebody looks along it.

    PYNQ takes the first folder of it, for any overlay that is asked for by name, so that a board
    that is none of ours gets a folder in which there is nothing, and no error.
    """

    def __iter__(self) -> Iterator[str]:
        try:
            yield str(FOLDER / board_at_hand().key)
        except LookupError:
            yield str(FOLDER)


__path__ = _Folders()
