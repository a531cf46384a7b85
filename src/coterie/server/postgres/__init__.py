"""The PostgreSQL inside: started, watched and stopped by Coterie itself."""

from coterie.server.postgres.address import find_url
from coterie.server.postgres.refusals import AlreadyRunning, PostgresUnavailable
from coterie.server.postgres.server import Postgres

__all__ = ["AlreadyRunning", "Postgres", "PostgresUnavailable", "find_url"]
