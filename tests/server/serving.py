"""A server in a process of its own: python -m tests.server.serving DATA [DATABASE_URL [PORT]]"""

import sys
from pathlib import Path

from coterie.server.app import run
from coterie.server.config import Config

if __name__ == "__main__":
    data, *rest = sys.argv[1:]
    database = rest[0] if rest and rest[0] else None
    run(Config(data=Path(data), database=database, port=int(rest[1]) if rest[1:] else 0))
