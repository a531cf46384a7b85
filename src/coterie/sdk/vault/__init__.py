"""The device store. `database` opens it, `records` is what it holds, the rest is one noun each."""

from coterie.sdk.vault.database import Transaction, Vault, make_home

__all__ = ["Transaction", "Vault", "make_home"]
