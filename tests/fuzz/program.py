"""Fuzz one target: `python -m tests.fuzz.program TARGET FOLDER [options of libFuzzer]`.

The samples go into FOLDER first, which also keeps what is found to be new. Without options it runs
until it is stopped. A file in place of FOLDER is fed once: so a finding is looked at again.
"""

import sys
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import atheris

from tests.fuzz.target import Target
from tests.fuzz.targets import target


def write_samples(target: Target, folder: Path) -> None:
    for sample in target.samples:
        (folder / sha256(sample).hexdigest()[:16]).write_bytes(sample)


def main(name: str, place: Path, options: list[str]) -> None:
    instrumented: AbstractContextManager[None] = atheris.instrument_imports(  # pyright: ignore
        include=["coterie"]
    )
    with instrumented:
        fuzzed = target(name)
    if not place.is_file():
        place.mkdir(exist_ok=True)
        write_samples(fuzzed, place)
    atheris.Setup([sys.argv[0], str(place), *options], fuzzed.feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
