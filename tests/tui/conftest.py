"""The server and the people that the tests of the SDK have."""

from tests.sdk.conftest import anna, bela, chen, entries_per_second, people, server

__all__ = ["anna", "bela", "chen", "entries_per_second", "people", "server"]
