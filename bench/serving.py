"""The server, as `coterie serve` runs it, on a database that is there already.

python -m bench.serving DATA URL            prints "Coterie is ready at …"
"""

import sys
from pathlib import Path

from coterie.server.app import run
from coterie.server.config import Config

if __name__ == "__main__":
    run(Config(data=Path(sys.argv[1]), database=sys.argv[2], port=0))
