"""The project's own Python, read but not run."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """`module` is the dotted name: "coterie.mls.group"; a package's is its folder's."""

    module: str
    text: str


def sources(folder: str = "src") -> list[Source]:
    """Every module below `folder`."""
    base = ROOT / folder
    return [Source(_module(file.relative_to(base)), file.read_text()) for file in _files(base)]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _files(base: Path) -> list[Path]:
    return sorted(base.rglob("*.py"))


def _module(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")
