"""What is fuzzed: parsers that are fed the same bytes, and what each may say to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Parse = Callable[[bytes], object]
Refusals = tuple[type[Exception], ...]


@dataclass(frozen=True)
class Target:
    parsers: Sequence[tuple[Parse, Refusals]]
    """Each with all it may raise."""
    samples: Sequence[bytes]
    """Well-formed bytes, from which mutation begins."""

    def idle(self) -> list[Parse]:
        """Parsers that take none of the samples: mutation would hardly get beyond their door."""
        return [
            parse
            for parse, refusals in self.parsers
            if not any(_takes(parse, refusals, sample) for sample in self.samples)
        ]

    def feed(self, data: bytes) -> None:
        """Raises what no parser may."""
        for parse, refusals in self.parsers:
            _takes(parse, refusals, data)


def _takes(parse: Parse, refusals: Refusals, data: bytes) -> bool:
    try:
        parse(data)
    except refusals:
        return False
    return True
