"""Where the SQL files are: `postgres/` of a checkout, or their copy inside an installed package."""

from pathlib import Path

_PACKAGED = Path(__file__).parent / "sql"
_CHECKOUT = Path(__file__).parents[4] / "postgres"

SCHEMA = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
"""The folder of `create.sql`, `init.sql` and `migrations/`."""
