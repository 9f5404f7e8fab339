"""`engram loihi-report`: what an associative memory would take of Loihi 1 chips."""

from typing import Annotated

import typer

from engram.cli.options import Json, Verbose
from engram.cli.terminal import console, duration, print_json, table

__all__ = ["loihi_report"]

Patterns = Annotated[int, typer.Option("--patterns", "-n", help="How many are stored.")]
Width = Annotated[int, typer.Option("--width", "-w", help="Dimensions of an embedding.")]
Preset = Annotated[
    str, typer.Option("--preset", "-p", help="Parameters of the law, by name.", metavar="NAME")
]


def loihi_report(
    patterns: Patterns = 1000,
    width: Width = 768,
    preset: Preset = "loihi-fit",
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Count the Loihi 1 cores of an associative memory; estimate a query's energy and time.

    No chip is asked: counts follow from the law and the chip's published limits, joules and
    seconds from published figures per operation, which are listed with what they leave out.
    """
    from engram.arch.associations import association_by_name
    from engram.loihi import resources
    from lava_procs.cores import COMPARTMENTS, CORES, IN_AXONS, SYNAPSE_BITS

    found = resources.loihi_report(association_by_name(preset), patterns, width)
    if as_json:
        print_json({"preset": preset, **found.to_dict()})
        return
    counts = [
        ("neurons", f"{found.patterns_per_core:,.0f}", f"{COMPARTMENTS:,}"),
        ("input axons", f"{found.in_axons_per_core:,.0f}", f"{IN_AXONS:,}"),
        ("bits of synapses", f"{found.synapse_bits_per_core:,.0f}", f"{SYNAPSE_BITS:,}"),
    ]
    estimates = [
        ("synaptic events", f"{found.synaptic_events:,.0f}", _energy(found.synaptic_energy)),
        ("neuron updates", f"{found.neuron_updates:,.0f}", _energy(found.neuron_energy)),
        ("spikes into cores", f"{found.core_spikes:,.0f}", _energy(found.spike_energy)),
        ("static power", f"{found.cores:,} (cores)", _span(found.static_energy)),
        ("together", "", _span(found.energy)),
    ]
    out = console()
    typer.echo(
        f"{patterns:,} patterns of {width:,} dimensions, preset {preset}: cores of Loihi 1: "
        f"{found.cores:,}, of the {CORES} a chip has"
    )
    if found.sampled < patterns:
        typer.echo(f"(counted on {found.sampled:,} of them, the others in proportion)")
    out.print(table(("of a full core", "used", "limit"), counts))
    out.print(table(("of a query", "count", "energy, estimated"), estimates))
    low, high = found.time_to_first
    whole_low, whole_high = found.time
    typer.echo(
        f"first answer after {found.steps_to_first:,.0f} steps, {duration(low)} to "
        f"{duration(high)}; all candidates after {found.steps:,.0f}, {duration(whole_low)} to "
        f"{duration(whole_high)} (estimated)"
    )
    typer.echo("\nEstimated with:")
    for name, constant in resources.CONSTANTS.items():
        typer.echo(f"  {name} {constant.value:.3g} {constant.unit}: {constant.source}")
    typer.echo("Not in these estimates:")
    for part in resources.MISSING:
        typer.echo(f"  {part}")


def _energy(joules: float) -> str:
    """Return joules in the unit that suits them."""
    for unit, scale in (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6), ("nJ", 1e-9)):
        if joules >= scale:
            return f"{joules / scale:.3g} {unit}"
    return f"{joules * 1e12:.3g} pJ"


def _span(joules: tuple[float, float]) -> str:
    return f"{_energy(joules[0])} to {_energy(joules[1])}"
