"""Which server the database belongs to."""

from coterie.server.storage.database import Tx


async def claim_server_key(tx: Tx, server_key: bytes) -> bytes:
    """The public key the database is served with: `server_key` if it had none until now."""
    await tx.run("INSERT INTO server (server_key) VALUES ($1) ON CONFLICT DO NOTHING", server_key)
    return await get_server_key(tx)


async def get_server_key(tx: Tx) -> bytes:
    found = await tx.value(bytes, "SELECT server_key FROM server")
    if found is None:
        raise LookupError("the database was not claimed when the server started")
    return found
