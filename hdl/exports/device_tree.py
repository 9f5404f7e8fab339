"""Overlays of the device tree, for Linux without PYNQ: the core as a UIO device.

The interrupt controller between core and processor, which PYNQ needs, is Linux's to serve here; so
a program waits at the UIO device for the core's interrupt itself.
"""

from engram.arch.boards import (
    INSTANCE,
    INTERRUPTS_INSTANCE,
    NAME,
    PORT_BYTES,
    VENDOR,
    VERSION,
    Board,
)
from hdl.exports.ports import Face

__all__ = ["device_tree"]

# What the trees of both families call the bus of devices, the GIC, the clock controller and its
# clock of the fabric; and the cells that an address and a size take on that bus.
LABELS = {
    "zynq": ("amba", "intc", "clkc 15", 1),
    "zynqmp": ("amba", "gic", "zynqmp_clk 71", 2),
}


def device_tree(face: Face, board: Board) -> str:
    """Return the overlay's source: registers are map 0 of the UIO device, the window is map 1."""
    bus, controller, clock, cells = LABELS[board.family]

    def at(base: int, size: int) -> str:
        numbers = (base, size) if cells == 1 else (base >> 32, base & 0xFFFF_FFFF, 0, size)
        return "<" + " ".join(f"0x{number:x}" for number in numbers) + ">"

    registers = at(board.registers, PORT_BYTES)
    window = at(board.window, face.window_bytes)
    return f"""/*
 * {NAME} on {board.title}, for the driver in C. Generated; do not edit.
 *
 * The bitstream is loaded before, and is the one that PYNQ uses. The kernel's argument
 * uio_pdrv_genirq.of_id=generic-uio makes a UIO device of it.
 */
/dts-v1/;
/plugin/;

&{bus} {{
    #address-cells = <{cells}>;
    #size-cells = <{cells}>;

    {NAME}_clock: clock-{NAME} {{
        /* Keeps the clock running, at the rate that the bitstream is made for. */
        compatible = "xlnx,fclk";
        #clock-cells = <0>;
        clocks = <&{clock}>;
        clock-output-names = "{NAME}_clock";
        assigned-clocks = <&{clock}>;
        assigned-clock-rates = <{board.clock_mhz * 1_000_000}>;
    }};

    {INTERRUPTS_INSTANCE}: interrupt-controller@{board.interrupts:x} {{
        compatible = "xlnx,axi-intc-4.1", "xlnx,xps-intc-1.00.a";
        reg = {at(board.interrupts, PORT_BYTES)};
        interrupt-controller;
        #address-cells = <0>;
        #interrupt-cells = <2>;
        interrupt-parent = <&{controller}>;
        interrupts = <0 {board.interrupt} 4>; /* GIC {board.interrupt + 32}, level, high */
        xlnx,kind-of-intr = <0>; /* level */
        xlnx,num-intr-inputs = <1>;
    }};

    {INSTANCE}: {NAME}@{board.registers:x} {{
        compatible = "{VENDOR},{NAME}-{VERSION}", "generic-uio";
        reg = {registers},
              {window};
        reg-names = "registers", "window";
        interrupt-parent = <&{INTERRUPTS_INSTANCE}>;
        interrupts = <0 4>;
    }};
}};
"""
