"""The server, as `coterie serve` runs it, on a database that is there already.

python -m bench.serving DATA URL            prints "Coterie is ready at …"
"""

import sys
from pathlib import Path

from coterie.server.app import run
from coterie.server.config import Config

if __name__ == "__main__":
    data, database = sys.argv[1:]
    run(Config(data=Path(data), database=database, port=0, entries_per_second=1_000_000))
