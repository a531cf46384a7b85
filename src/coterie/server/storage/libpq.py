"""How PostgreSQL's own programs are told which database: by their environment.

Their arguments can be read by everybody on the machine, and a URL may hold a password.
"""

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from coterie.server.storage.database import DatabaseUnavailable, objection


def environment_of(url: str) -> dict[str, str]:
    """The variables that say what the URL says. Raises DatabaseUnavailable for what is none."""
    try:
        chosen = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise DatabaseUnavailable(objection(error)) from None
    names = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    return {names[key]: str(value) for key, value in chosen.items() if key in names}
