"""What a refusal must be: the right kind of error, naming the right check."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from coterie.mls import MLSError, ValidationError


@contextmanager
def refused(check: str, kind: type[MLSError] = ValidationError) -> Generator[None]:
    """The block raises exactly `kind`, for the check of this id (docs/mls-validation.md)."""
    with pytest.raises(MLSError) as caught:
        yield
    assert caught.value.check == check, str(caught.value)
    assert type(caught.value) is kind
