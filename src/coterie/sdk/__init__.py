"""The client library: keys, conversations, messages. `Client` is its door."""

from coterie.sdk.client import Client
from coterie.sdk.errors import ClientError
from coterie.sdk.recovery import RecoveryCode

__all__ = ["Client", "ClientError", "RecoveryCode"]
