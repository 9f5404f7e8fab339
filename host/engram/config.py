"""How a memory is set up: keyword arguments, then a YAML file, then ENGRAM_* variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, SupportsIndex

from engram.arch.associations import LARGEST_WIDTH, Association, association_by_name

__all__ = ["DURABILITIES", "LEAST_KEY", "TRUST_LEVELS", "MemoryConfig"]

DURABILITIES = ("flush", "return")
TRUST_LEVELS = ("basic", "standard", "high", "maximum")  # engram.trust.levels says what each does

_PREFIX = "ENGRAM_"
# Variables of this prefix that are not settings of a memory.
_OTHER_VARIABLES = {
    "ENGRAM_CACHE_DIR",
    "ENGRAM_CONFIG",
    "ENGRAM_LAVA_PYTHON",
    "ENGRAM_OVERLAY",
    "ENGRAM_UART",
    "ENGRAM_UART_BAUD",
}

LEAST_KEY = 32  # bytes: 256 bits, as many as the hashes and ciphers under it use
_LARGEST_STORE = 1 << 46  # the address space that processors leave a process for one mapping


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class MemoryConfig:
    """Settings of a memory, checked when they are made."""

    path: str | None = _setting(None, "directory that keeps the memory; none: in RAM only")
    seed: int | None = _setting(None, "seed of the words; none: the directory's own, or 0")
    law: int | str | None = _setting(None, "law of the words; none: the directory's own, or 1")
    device: str = _setting("auto", "where everything runs")
    space: str | None = _setting(None, "where the address space runs, if elsewhere")
    associations: str | None = _setting(None, "where the associations run, if elsewhere")
    preset: str | Association | None = field(
        default=None,
        metadata={
            "meaning": "parameters of the associations; none: the directory's own, or 'default'"
        },
    )
    embedding_width: int | None = _setting(
        None, "dimensions of embeddings; none: those of the first one remembered"
    )
    durability: str = _setting("flush", "a write is durable at 'flush' or at 'return'")
    read_only: bool = _setting(False, "open for reading beside a writer")
    quota: int | None = _setting(None, "most words written at a time; none: no bound")
    threads: int | None = _setting(None, "threads one call may use; none: one a core")
    store_bytes: int = _setting(1 << 40, "most bytes the directory's database may take")
    tensor_cache_bytes: int = _setting(1 << 28, "most bytes of regrown tensors held for later")
    key: bytes | None = field(
        default=None,
        repr=False,
        metadata={"meaning": "key that signs tensors, 32 bytes at least; none: from the seed"},
    )
    key_file: str | None = _setting(None, "file of mode 0600 with the key instead")
    trust: str = _setting("basic", "level of trust, 'basic' to 'maximum'")

    def __post_init__(self) -> None:
        if self.path is not None and not isinstance(self.path, str):
            raise TypeError(f"path must be a path, not {self.path!r}")
        if self.path == "":  # the working directory, which nobody means by it, is "."
            raise ValueError("path must be a directory's name, not ''")
        for name in ("device", "space", "associations"):
            value = getattr(self, name)
            if not isinstance(value, str) and not (name != "device" and value is None):
                raise TypeError(f"{name} must be a device's name, not {value!r}")
        if self.law is not None and (
            not isinstance(self.law, int | str) or isinstance(self.law, bool)
        ):
            raise TypeError(f"law must be a number or a name, not {self.law!r}")
        if isinstance(self.preset, str):
            association_by_name(self.preset)
        elif self.preset is not None and not isinstance(self.preset, Association):
            raise TypeError(f"preset must be a name or an Association, not {self.preset!r}")
        self._check_integer("embedding_width", 1, LARGEST_WIDTH)
        self._check_integer("seed", 0, (1 << 64) - 1)
        self._check_integer("quota", 0, (1 << 64) - 1)
        self._check_integer("threads", 1, 1024)
        if self.store_bytes is None:
            raise TypeError("store_bytes must be an integer, not None")
        self._check_integer("store_bytes", 1 << 16, _LARGEST_STORE)
        if self.tensor_cache_bytes is None:
            raise TypeError("tensor_cache_bytes must be an integer, not None")
        self._check_integer("tensor_cache_bytes", 0, _LARGEST_STORE)
        if self.key is not None:
            if not isinstance(self.key, bytes):
                raise TypeError(f"key must be bytes, not {type(self.key).__name__}")
            if len(self.key) < LEAST_KEY:
                raise ValueError(f"key must have {LEAST_KEY} bytes at least, not {len(self.key)}")
        if self.key_file is not None and not isinstance(self.key_file, str):
            raise TypeError(f"key_file must be a path, not {self.key_file!r}")
        if self.key is not None and self.key_file is not None:
            raise ValueError("key must be given itself or by key_file, not both")
        if self.trust not in TRUST_LEVELS:
            raise ValueError(f"trust must be one of {', '.join(TRUST_LEVELS)}, not {self.trust!r}")
        if self.durability not in DURABILITIES:
            raise ValueError(f"durability must be 'flush' or 'return', not {self.durability!r}")
        if not isinstance(self.read_only, bool):
            raise TypeError(f"read_only must be true or false, not {self.read_only!r}")
        if self.read_only and self.path is None:
            raise ValueError("read_only must go with a path: a memory in RAM has no writer")

    def _check_integer(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, not {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be in {low}..{high}, not {value!r}")

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> "MemoryConfig":
        """Combine settings: keyword arguments win over the YAML file, that over the environment.

        Args:
            path: the memory's directory.
            config: a YAML file; the variable ENGRAM_CONFIG names one if this does not.
            environ: variables to use instead of the process's.
            settings: fields of this class.

        Raises:
            ValueError, TypeError: a setting is unknown or has a wrong value.
            OSError: the YAML file cannot be read.
        """
        variables = os.environ if environ is None else environ
        if path is not None:
            settings["path"] = os.fspath(path)
        known = {setting.name for setting in fields(cls)}
        _refuse_unknown(set(settings) - known, "settings", known)
        file = config or variables.get("ENGRAM_CONFIG")
        merged = _from_variables(variables, known)
        if file:
            merged |= _from_yaml(Path(file), known)
        merged |= settings
        if settings.get("key_file") is not None:
            merged["key_file"] = os.fspath(settings["key_file"])
            if "key" not in settings:
                merged.pop("key", None)  # of ENGRAM_KEY
        for name in (*_INTEGERS, "law"):
            number = merged.get(name)
            if isinstance(number, SupportsIndex) and not isinstance(number, bool):
                merged[name] = number.__index__()  # NumPy's integers too
        return cls(**merged)


def _refuse_unknown(unknown: set[str], where: str, known: set[str]) -> None:
    if unknown:
        raise ValueError(
            f"{where} must be among {', '.join(sorted(known))}, not {', '.join(sorted(unknown))}"
        )


def _from_variables(variables: Mapping[str, str], known: set[str]) -> dict[str, Any]:
    found = {
        name[len(_PREFIX) :].lower(): text
        for name, text in variables.items()
        if name.startswith(_PREFIX) and name not in _OTHER_VARIABLES
    }
    _refuse_unknown(set(found) - known, "ENGRAM_ variables", known)
    return {name: _parse(name, text) for name, text in found.items()}


_INTEGERS = {"seed", "quota", "threads", "store_bytes", "embedding_width", "tensor_cache_bytes"}


def _parse(name: str, text: str) -> Any:
    variable = _PREFIX + name.upper()
    if name in _INTEGERS or (name == "law" and not text.isidentifier()):
        try:
            return int(text, 0)
        except ValueError:
            raise ValueError(f"{variable} must be an integer, not {text!r}") from None
    if name == "key":
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise ValueError(f"{variable} must be hexadecimal digits") from None
    if name == "read_only":
        if text.lower() not in ("0", "1", "false", "true"):
            raise ValueError(f"{variable} must be true or false, not {text!r}")
        return text.lower() in ("1", "true")
    return text


def _from_yaml(file: Path, known: set[str]) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise ImportError(f"reading {file} needs PyYAML: pip install 'engram[cli]'") from None
    try:
        loaded = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = " ".join(str(error).split())
        raise ValueError(f"{file} must be a YAML file: {message}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ValueError(f"{file} must hold settings by name, not {type(loaded).__name__}")
    _refuse_unknown({str(name) for name in loaded} - known, f"settings in {file}", known)
    return loaded
