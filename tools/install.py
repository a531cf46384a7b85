"""Fill a virtual environment with the locked dependencies and Coterie itself.

Run by `tools/setup`, by whatever Python the machine has: standard library only.
"""

import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"


def main(environment: Path) -> None:
    """Make `environment`, unless another process makes the same one meanwhile."""
    with Path(f"{environment}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        installed = environment / LOCK.name
        if not (installed.exists() and installed.read_bytes() == LOCK.read_bytes()):
            install(environment)
            shutil.copyfile(LOCK, installed)  # last: it says that everything before it worked


def install(environment: Path) -> None:
    """Install what is locked, then Coterie in place, built by the locked hatchling."""
    # pip works from outside, so the environment needs neither ensurepip nor a pip of its own.
    venv.create(environment, clear=True, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    pip += ["--disable-pip-version-check", "install", "-qq"]
    subprocess.run([*pip, "--require-hashes", "--requirement", str(LOCK)], check=True)
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)],
        check=True,
    )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"Setting up failed; pip ended with code {error.returncode}.")
