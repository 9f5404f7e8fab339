"""AXI4 and AXI4-Lite ports under the flat names that Vivado and test benches look for."""

from enum import IntEnum

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AXI4", "AXI4Lite", "CACHE_BUFFERABLE", "Burst", "Response", "flat", "port", "size_of"]

# Cacheability 0b0011, "normal, non-cacheable, bufferable": the modifiable bit lets the PS of a
# Zynq-7000 pack narrow transfers (UG585), and a bufferable write may be answered before DRAM.
CACHE_BUFFERABLE = 0b0011


class Burst(IntEnum):
    """How the address of a burst moves on."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class Response(IntEnum):
    """What a subordinate answers; the higher of two is an error whenever either is."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


def size_of(data_width: int) -> int:
    """Return AxSIZE, the logarithm of the bytes a beat carries."""
    return (data_width // 8).bit_length() - 1


class AXI4(wiring.Signature):
    """An AXI4 port as its manager sees it; ``read`` and ``write`` leave out what is not used.

    Members
    -------
    aw*, w*, b* : present with ``write``
    ar*, r* : present with ``read``
    """

    def __init__(
        self,
        *,
        address_width: int = 40,
        data_width: int = 64,
        id_width: int = 1,
        read: bool = True,
        write: bool = True,
    ):
        if data_width not in (32, 64, 128, 256, 512, 1024):
            raise ValueError(f"data_width must be 32, 64, ... or 1024, not {data_width!r}")
        if not 12 <= address_width <= 64:
            raise ValueError(f"address_width must be in 12..64, not {address_width!r}")
        if id_width < 1:
            raise ValueError(f"id_width must be at least 1, not {id_width!r}")
        if not (read or write):
            raise ValueError("read or write must be True")
        self.address_width = address_width
        self.data_width = data_width
        self.id_width = id_width
        self.read = read
        self.write = write
        members = {}
        if write:
            members |= self._address("aw")
            members |= {
                "wdata": Out(data_width),
                "wstrb": Out(data_width // 8),
                "wlast": Out(1),
                "wvalid": Out(1),
                "wready": In(1),
                "bid": In(id_width),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
            }
        if read:
            members |= self._address("ar")
            members |= {
                "rid": In(id_width),
                "rdata": In(data_width),
                "rresp": In(2),
                "rlast": In(1),
                "rvalid": In(1),
                "rready": Out(1),
            }
        super().__init__(members)

    def _address(self, channel: str) -> dict:
        return {
            f"{channel}id": Out(self.id_width),
            f"{channel}addr": Out(self.address_width),
            f"{channel}len": Out(8),
            f"{channel}size": Out(3),
            f"{channel}burst": Out(2),
            f"{channel}lock": Out(1),
            f"{channel}cache": Out(4),
            f"{channel}prot": Out(3),
            f"{channel}valid": Out(1),
            f"{channel}ready": In(1),
        }


class AXI4Lite(wiring.Signature):
    """An AXI4-Lite port as its manager sees it."""

    def __init__(self, *, address_width: int, data_width: int = 32):
        if data_width not in (32, 64):
            raise ValueError(f"data_width must be 32 or 64, not {data_width!r}")
        if address_width < 1:
            raise ValueError(f"address_width must be at least 1, not {address_width!r}")
        self.address_width = address_width
        self.data_width = data_width
        super().__init__(
            {
                "awaddr": Out(address_width),
                "awprot": Out(3),
                "awvalid": Out(1),
                "awready": In(1),
                "wdata": Out(data_width),
                "wstrb": Out(data_width // 8),
                "wvalid": Out(1),
                "wready": In(1),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
                "araddr": Out(address_width),
                "arprot": Out(3),
                "arvalid": Out(1),
                "arready": In(1),
                "rdata": In(data_width),
                "rresp": In(2),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


def flat(prefix: str, signature: wiring.Signature) -> dict:
    """Return a signature's members named ``prefix_awaddr``: a nested one becomes ``axi__awaddr``.

    Pass ``signature.flip()`` for a subordinate's port.
    """
    return {f"{prefix}_{name}": member for name, member in signature.members.items()}


class _Port:
    """Flat members of a component, seen as the interface that they are."""

    def __init__(self, component: wiring.Component, prefix: str, signature: wiring.Signature):
        self.signature = signature
        for name in signature.members:
            setattr(self, name, getattr(component, f"{prefix}_{name}"))


def port(component: wiring.Component, prefix: str, signature: wiring.Signature) -> _Port:
    """Return what ``flat`` took apart, for ``wiring.connect``; same signature as was given there.

    Seen from outside, where components are connected to each other.
    """
    return _Port(component, prefix, signature)
