"""Write what others read from `coterie.protocol`: the reference, OpenAPI, and TypeScript types.

tools/generate.py [FOLDER]            write the files, below the folder if one is named
tools/generate.py --check [FOLDER]    write nothing; fail, naming each file that would change
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract import openapi, reference, typescript

ROOT = Path(__file__).parents[1]

FILES = {
    "docs/reference.gen.md": reference.render,
    "docs/openapi.gen.json": openapi.render,
    "web/src/protocol/protocol.gen.ts": typescript.render,
}


def write(root: Path) -> None:
    for name, render in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(render())


def stale(root: Path) -> list[str]:
    """The files that do not say what `coterie.protocol` says."""
    return [
        name
        for name, render in FILES.items()
        if not (root / name).exists() or (root / name).read_text() != render()
    ]


def main(arguments: list[str]) -> None:
    check = "--check" in arguments
    root = next((Path(argument) for argument in arguments if argument != "--check"), ROOT)
    if not check:
        write(root)
    elif names := stale(root):
        sys.exit(f"Out of date: {', '.join(names)}. Run `make generate`.")


if __name__ == "__main__":
    main(sys.argv[1:])
