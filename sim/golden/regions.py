"""The table of regions: runs of pages that belong to a tensor's descriptor."""

from engram.arch.commands import Fault
from engram.arch.pages import Region

__all__ = ["RegionTable"]


class RegionTable:
    """Up to ``entries`` regions, none of which overlaps another."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self._regions: dict[int, Region] = {}

    def clear(self) -> None:
        """Forget all."""
        self._regions.clear()

    def lookup(self, page: int) -> Region | None:
        """Return the region that a page lies in."""
        for region in self._regions.values():
            if 0 <= page - region.first_page < region.pages:
                return region
        return None

    def map(self, region: Region) -> Fault:
        """Enter a region."""
        for other in self._regions.values():
            if (
                region.first_page < other.first_page + other.pages
                and other.first_page < region.first_page + region.pages
            ):
                return Fault.REGION_CLASH
        if len(self._regions) == self.entries:
            return Fault.REGION_CLASH
        self._regions[region.first_page] = region
        return Fault.OK

    def unmap(self, first_page: int) -> Fault:
        """Forget the region that begins with a page."""
        return Fault.NO_REGION if self._regions.pop(first_page, None) is None else Fault.OK
