"""The table of presets in the documentation, from the presets themselves."""

from benchmarks.association_tables import FIGURES, Table
from engram.arch.associations import PRESETS

__all__ = ["PRESETS_PAGE", "presets_table", "write_presets"]

PRESETS_PAGE = FIGURES / "associations_presets.md"
_MEANING = {
    "neurons": "code neurons, *m*",
    "sources": "signed inputs that each sums, *s*",
    "winners": "active neurons of a stored code, *k*",
    "spikes": "neurons of each sign that spike for a cue, at most",
    "signed": "whether the lowest neurons of a cue inhibit",
    "levels": "payloads of spikes are 1 … levels",
    "ramp": "the ramp rises by 2^ramp a step",
    "candidates": "patterns whose spikes are awaited, *C*",
    "rerank": "whether int8 cosine orders the candidates",
}
_WIDTH = 768


def presets_table() -> Table:
    """Return every parameter of every preset, and what follows from them."""
    laws = PRESETS.values()
    table = Table("presets", ("parameter", "meaning", *(f"`{name}`" for name in PRESETS)))
    for name, meaning in _MEANING.items():
        values = [getattr(law, name) for law in laws]
        table.add(f"`{name}`", meaning, *map(_said, values))
    table.add("", "share of neurons active in a code", *(f"{s:.1%}" for s in _shares()))
    table.add("", "steps of a race, at most", *(f"{law.last_latency + 1:,}" for law in laws))
    sizes = (f"{law.neurons // 8 + _WIDTH:,}" for law in laws)
    table.add("", f"bytes of bits and int8 embedding, d = {_WIDTH}", *sizes)
    return table


def _said(value: int | bool) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value:,}"


def _shares() -> list[float]:
    return [law.winners / law.neurons for law in PRESETS.values()]


def write_presets() -> None:
    """Write the table into docs/figures."""
    PRESETS_PAGE.write_text("\n".join(presets_table().lines()) + "\n")
