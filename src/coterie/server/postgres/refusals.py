"""What can be wrong, in words that say what to do about it."""


class PostgresUnavailable(Exception):  # noqa: N818 - named after the state it reports
    """PostgreSQL could not be started or found. The message names the folder and the remedy."""


class AlreadyRunning(PostgresUnavailable):
    """Another Coterie server works on the same data folder."""
