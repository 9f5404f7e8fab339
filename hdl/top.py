"""The accelerator as an IP core: flat ports, a clock and a reset under the names of AXI."""

from amaranth.hdl import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from engram.arch.accelerator import AcceleratorConfig
from hdl.accelerator import Accelerator
from hdl.axi.signatures import flat, port
from hdl.synth.multiplier import DSP48E1, Tile

__all__ = ["Engram"]

XILINX = "xilinx.com"


class Engram(wiring.Component):
    """`Accelerator` with `aclk` and `aresetn`, and on each port what Vivado infers buses from.

    Reset: `aresetn` is active low and synchronous to `aclk`, as AXI asks.

    Members
    -------
    aclk, aresetn : In(1)
    s_axil_*, s_axi_*, m_axi_*, irq : those of `Accelerator`
    """

    def __init__(self, config: AcceleratorConfig | None = None, tile: Tile = DSP48E1):
        self.accelerator = inner = Accelerator(config, tile)
        self.buses = {
            "s_axil": inner.signature_axil.flip(),
            "s_axi": inner.signature_window.flip(),
            "m_axi": inner.signature_axi,
        }
        members = {"aclk": In(1), "aresetn": In(1)}
        for prefix, signature in self.buses.items():
            members |= flat(prefix, signature)
        super().__init__({**members, "irq": Out(1)})
        self._describe()

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.submodules.accelerator = inner = self.accelerator
        m.d.comb += [
            domain.clk.eq(self.aclk),
            domain.rst.eq(~self.aresetn),
            self.irq.eq(inner.irq),
        ]
        for prefix, signature in self.buses.items():
            ours = port(self, prefix, signature.flip())
            wiring.connect(m, ours, port(inner, prefix, signature))
        return m

    def _describe(self):
        """Say on each port what it is: UG1118 and UG994 name these attributes."""
        for prefix, signature in self.buses.items():
            bus = prefix.upper()
            protocol = "AXI4LITE" if prefix == "s_axil" else "AXI4"
            for name in signature.members:
                signal = getattr(self, f"{prefix}_{name}")
                signal.attrs["X_INTERFACE_INFO"] = (
                    f"{XILINX}:interface:aximm:1.0 {bus} {name.upper()}"
                )
            # Parameters of a bus stand on any one of its ports.
            first = getattr(self, f"{prefix}_{next(iter(signature.members))}")
            first.attrs["X_INTERFACE_PARAMETER"] = f"XIL_INTERFACENAME {bus}, PROTOCOL {protocol}"
        self.aclk.attrs["X_INTERFACE_INFO"] = f"{XILINX}:signal:clock:1.0 ACLK CLK"
        self.aclk.attrs["X_INTERFACE_PARAMETER"] = (
            "XIL_INTERFACENAME ACLK, ASSOCIATED_RESET aresetn, "
            f"ASSOCIATED_BUSIF {':'.join(prefix.upper() for prefix in self.buses)}"
        )
        self.aresetn.attrs["X_INTERFACE_INFO"] = f"{XILINX}:signal:reset:1.0 ARESETN RST"
        self.aresetn.attrs["X_INTERFACE_PARAMETER"] = (
            "XIL_INTERFACENAME ARESETN, POLARITY ACTIVE_LOW"
        )
        self.irq.attrs["X_INTERFACE_INFO"] = f"{XILINX}:signal:interrupt:1.0 IRQ INTERRUPT"
        self.irq.attrs["X_INTERFACE_PARAMETER"] = (
            "XIL_INTERFACENAME IRQ, SENSITIVITY LEVEL_HIGH"
        )
