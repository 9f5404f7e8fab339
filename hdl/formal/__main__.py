"""Run the proofs and print a table: ``python -m hdl.formal [NAME ...] [--out DIR]``."""

import argparse
import sys
from pathlib import Path

from hdl.formal.proofs import PROOFS
from hdl.formal.runner import run


def main() -> int:
    """Run what was named, or all; return 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="proofs to run, else all")
    parser.add_argument("--out", type=Path, default=Path("build/formal"), metavar="DIR")
    arguments = parser.parse_args()
    known = {proof.name: proof for proof in PROOFS}
    for name in arguments.names:
        if name not in known:
            parser.error(f"NAME must be one of {', '.join(known)}, not {name!r}")
    failed = False
    for name in arguments.names or known:
        proof = known[name]
        outcome = run(proof, arguments.out)
        failed |= outcome.status != "PASS"
        taken = f"{outcome.seconds:6.1f} s"
        print(f"{outcome.status:8} {name:24} {proof.extent:32} {taken}  {proof.claim}", flush=True)
        if outcome.status != "PASS":
            print(outcome.log, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
