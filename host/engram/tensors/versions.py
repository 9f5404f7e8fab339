"""The versions of one tensor: which there are, what each is made of, and that all are its own."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engram.errors import IntegrityError, NotFound
from engram.store.tensors import Headed
from engram.tensors.descriptors import Descriptor

__all__ = ["Lineage"]


@dataclass(frozen=True)
class Lineage:
    """The versions of a tensor, ascending, as they came out of a log or were made here.

    Each names the digest of the one before as its parent, and a signed head names the latest: so
    no version can be exchanged, left out or brought back. The oldest one may have a parent that
    is not kept any more. ``check`` tells whether all that holds.
    """

    name: str
    descriptors: tuple[Descriptor, ...] = ()
    head: Headed | None = None

    @property
    def latest(self) -> Descriptor:
        """The version that a load without a number gives."""
        return self.descriptors[-1]

    @property
    def digest(self) -> bytes:
        """The digest of the latest version; of a lineage that was checked, else only claimed."""
        return b"" if self.head is None else self.head.digest

    @property
    def following(self) -> int:
        """The number of the next version."""
        return 1 if self.head is None else self.head.following

    @property
    def stored_bytes(self) -> int:
        """Bytes of all versions."""
        return sum(each.stored_bytes for each in self.descriptors)

    def version(self, number: int | None) -> Descriptor:
        """Return a version, or the latest for None; NotFound if there is none of that number."""
        if number is None:
            return self.latest
        for each in reversed(self.descriptors):
            if each.version == number:
                return each
        numbers = ", ".join(str(each.version) for each in self.descriptors[-8:])
        raise NotFound(f"tensor {self.name!r} has no version {number!r}; its last are {numbers}")

    def chain(self, descriptor: Descriptor) -> Sequence[Descriptor]:
        """Return what a version is regrown from: a whole one, and deltas up to this one."""
        if descriptor.whole:
            return (descriptor,)
        end = start = self.descriptors.index(descriptor)
        while not self.descriptors[start].whole:
            start -= 1
            if start < 0:
                raise IntegrityError(f"the whole version under tensor {self.name!r} is missing")
        return self.descriptors[start : end + 1]

    def with_version(self, descriptor: Descriptor) -> "Lineage":
        """Return the lineage with one version more, or with another in its place."""
        others = [each for each in self.descriptors if each.version != descriptor.version]
        others.append(descriptor)
        others.sort(key=lambda each: each.version)
        return replace(self, descriptors=tuple(others))

    def with_head(self, head: Headed) -> "Lineage":
        """Return the lineage with the versions of a head."""
        kept = tuple(each for each in self.descriptors if head.first <= each.version <= head.latest)
        return replace(self, descriptors=kept, head=head)

    def check(self, key: bytes) -> None:
        """Return if every version is signed and in its place.

        Raises:
            IntegrityError: something was changed, exchanged, left out or brought back, or was made
                with another key.
        """
        head = self.head
        if head is None or not self.descriptors:
            raise IntegrityError(f"the versions of tensor {self.name!r} are missing")
        if not hmac.compare_digest(hmac.digest(key, head.signed(), "sha256"), head.mac):
            raise IntegrityError(
                f"the MAC of tensor {self.name!r} is wrong: other bytes, or another key"
            )
        ends = (self.descriptors[0].version, self.latest.version)
        if ends != (head.first, head.latest) or head.following <= head.latest:
            raise IntegrityError(
                f"tensor {self.name!r} has versions {head.first} to {head.latest}, "
                f"not {ends[0]} to {ends[1]}"
            )
        expected = head.digest
        for each in reversed(self.descriptors):
            each.verify(key)
            if each.name != self.name or each.digest != expected:
                raise IntegrityError(
                    f"version {each.version} of tensor {self.name!r} is not what was stored last"
                )
            expected = each.parent
