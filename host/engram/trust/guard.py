"""The guard: what a memory asks before, while and after it touches a tensor, by its level."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from engram.config import MemoryConfig
from engram.errors import IntegrityError
from engram.tensors.descriptors import Descriptor, default_key
from engram.tensors.merkle import MerkleTree
from engram.tensors.regrowing import tree_of
from engram.trust.audit import AuditLog
from engram.trust.keys import Keys, find_key
from engram.trust.levels import Level, level_by_name
from engram.trust.lockout import Lockout
from engram.trust.sealing import seal, unseal

__all__ = ["LOG_NAME", "Guard"]

LOG_NAME = "audit.jsonl"  # in the memory's directory

_CONTEXT = b"engram tensors"


class Guard:
    """Does what its level promises, and never less.

    Args:
        level: of LEVELS.
        keys: of the caller; levels with ``own_key`` want them.
        seed: of the memory, from which the key is derived where there is no other.
        log: where what is done is written; levels that audit want it.
        lockout: another than the usual one.

    Raises:
        ValueError: the level wants a key or a log, and there is none.
    """

    def __init__(
        self,
        level: Level,
        keys: Keys | None = None,
        *,
        seed: int = 0,
        log: AuditLog | None = None,
        lockout: Lockout | None = None,
    ) -> None:
        if level.own_key and keys is None:
            raise ValueError(f"key must be given at level {level.name}: there is none")
        if level.audits and log is None:
            raise ValueError(f"path must be given at level {level.name}, which keeps a log there")
        self.level = level
        self.signing_key = default_key(seed) if keys is None else keys.signing
        self._sealing_key = None if keys is None else keys.sealing
        self._log = log
        self._lockout = (lockout or Lockout()) if level.locks_out else None

    @classmethod
    def of(cls, config: MemoryConfig, seed: int) -> "Guard":
        """Return the guard of a memory; ENGRAM_KEY is in its settings already."""
        level = level_by_name(config.trust)
        key = find_key(config.key, file=config.key_file, environ={})
        keys = None if key is None else Keys(key)
        log = None
        if level.audits and keys is not None and config.path is not None:
            log = AuditLog(Path(config.path) / LOG_NAME, keys.auditing)
        return cls(level, keys, seed=seed, log=log)

    def sealed(self, content: Callable[[], bytes]) -> bytes | None:
        """Return what to keep in place of a change of the tensors; None: keep it as it is."""
        if not self.level.seals:
            return None
        assert self._sealing_key is not None
        return seal(self._sealing_key, content(), _CONTEXT)

    def unsealed(self, content: bytes) -> bytes:
        """Return the change in a sealed one, at every level: whoever has the key may read.

        Raises:
            IntegrityError: there is no key, or it is another, or the bytes were changed.
            LockedOut: too many were, just before.
        """
        if self._sealing_key is None:
            raise IntegrityError("the tensors are sealed: they open with the key that sealed them")
        with self.trying("unseal"):
            return unseal(self._sealing_key, content, _CONTEXT)

    @contextmanager
    def trying(self, action: str, **details: Any) -> Iterator[None]:
        """Hold one verification; a failure counts for the lock-out, and is written down.

        Raises:
            LockedOut: too many failed, just before.
        """
        try:
            if self._lockout is None:
                yield
            else:
                with self._lockout.trying():
                    yield
        except IntegrityError as error:
            if self._log is not None:
                self._log.append("refuse", tried=action, reason=str(error), **details)
            raise

    def check(self, descriptor: Descriptor, flat: NDArray[Any]) -> None:
        """Return if the regrown elements are those that were signed, or the level does not ask.

        Args:
            flat: all elements, of one dimension and the bits of the descriptor's element type.

        Raises:
            IntegrityError: they are not.
        """
        if not self.level.checks_tiles:
            return
        with self.trying("check", name=descriptor.name, version=descriptor.version):
            if tree_of(flat).root != descriptor.root:
                raise IntegrityError(
                    f"version {descriptor.version} of tensor {descriptor.name!r} regrows as "
                    "something else than was signed"
                )

    def check_tile(
        self, descriptor: Descriptor, tile: int, elements: NDArray[Any], tree: MerkleTree
    ) -> None:
        """Return if a regrown tile is the one that was signed.

        Args:
            tree: of the descriptor's tensor, which was checked.

        Raises:
            IntegrityError: it is not.
        """
        with self.trying("check", name=descriptor.name, version=descriptor.version, tile=tile):
            descriptor.verify_tile(tile, elements.tobytes(), tree.proof(tile))

    def changed(self, action: str, name: str, **details: Any) -> None:
        """Write down that a tensor is about to be changed, if the level does."""
        if self.level.audits_changes:
            assert self._log is not None
            self._log.append(action, name=name, **details)

    def loaded(self, name: str, version: int) -> None:
        """Write down that a tensor is about to be given out, if the level does."""
        if self.level.audits_loads:
            assert self._log is not None
            self._log.append("load", name=name, version=version)
