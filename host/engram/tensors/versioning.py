"""Versioning: tensors that are changed, gone back on and dropped; each change one whole step."""

from typing import Any

from engram.tensors.descriptors import Descriptor
from engram.tensors.drafts import as_name
from engram.tensors.showing import ShowingTensors
from engram.tensors.updating import CHANGES, QUANTISED_ERROR, as_whole, updated, whole_again

__all__ = ["VersionedTensors"]


class VersionedTensors(ShowingTensors):
    """The versions of tensors, and what leads from one to the next."""

    def update(
        self,
        name: str,
        *,
        add: Any = None,
        scale: Any = None,
        sparse: Any = None,
        dense: Any = None,
        quantised: Any = None,
        max_error: float = QUANTISED_ERROR,
    ) -> Descriptor:
        """Make a new version of a tensor, kept as what is new of it where that is less.

        Exactly one change is given. After 16 deltas, or when they would take more than the plain
        tensor, the version is kept whole: bit for bit what the deltas give.

        Args:
            add: a tensor of the same shape and dtype to add, exactly kept; each sum is rounded
                once to the dtype.
            scale: a number to multiply by; an integer for integers.
            sparse: (indices, values): what the elements at flat indices (C order) become; of two
                values for one index the later wins.
            dense: what the whole tensor becomes; kept as the bits that differ.
            quantised: a tensor to add, kept with a relative error of at most ``max_error``.

        Returns:
            The descriptor; its error is what this update added.

        Raises:
            TypeError, ValueError: the change is of another shape or dtype, or a sum or product of
                integers would not fit. The tensor stays as it is.
            NotFound, IntegrityError, CannotMeet, ReadOnly, StoreFull: likewise.
        """
        given = dict(zip(CHANGES, (add, scale, sparse, dense, quantised), strict=True))
        changes = [change for change, value in given.items() if value is not None]
        if len(changes) != 1:
            raise TypeError(f"exactly one of {', '.join(CHANGES)} must be given, not {changes!r}")
        self._ledger.check_writable()
        with self._changing():
            lineage, descriptor = self._found(name, None)
            geometry = descriptor.geometry
            current = self._regrown(lineage, descriptor)
            made = updated(current, geometry, changes[0], given[changes[0]], max_error)
            if whole_again(lineage.chain(descriptor), made):
                errors = made.error, made.largest_error
                made = as_whole(current, geometry, *errors)
            return self._keep(name, made, descriptor.base, "update")

    def consolidate_tensor(self, name: str) -> Descriptor:
        """Make the latest version whole, bit for bit as it is, and forget all others.

        Raises:
            NotFound, IntegrityError, ReadOnly, StoreFull: the tensor stays as it is.
        """
        self._ledger.check_writable()
        with self._changing():
            lineage, descriptor = self._found(name, None)
            if descriptor.whole:
                self._forget_before(lineage)
                return descriptor
            whole = as_whole(self._regrown(lineage, descriptor), descriptor.geometry)
            return self._keep(name, whole, descriptor.base, "consolidate", alone=True)

    def history(self, name: str) -> list[Descriptor]:
        """Return the descriptors of all versions, oldest first."""
        return list(self._found(name, None)[0].descriptors)

    def describe(self, name: str, version: int | None = None) -> Descriptor:
        """Return the descriptor of a version, the latest by default."""
        return self._found(name, version)[1]

    def rollback(self, name: str, version: int) -> Descriptor:
        """Make an older version the latest, and forget those behind it; return it.

        The numbers of forgotten versions are not used again.

        Raises:
            NotFound: there is no such version.
        """
        self._ledger.check_writable()
        with self._changing():
            lineage, descriptor = self._found(name, version)
            if descriptor is not lineage.latest:
                self._go_back(lineage, descriptor)
            return descriptor

    def drop(self, name: str) -> None:
        """Forget a tensor and all its versions; its region shows generated words again.

        A tensor that does not verify can be dropped, too.

        Raises:
            NotFound: there is no such tensor.
        """
        as_name(name)
        self._ledger.check_writable()
        with self._changing():
            self._drop(name)
