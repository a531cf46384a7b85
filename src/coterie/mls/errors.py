"""Why MLS refused something. Each error names its check, an id of docs/mls-validation.md."""


class MLSError(Exception):
    """Root of all refusals. `check` is the id of the broken rule in docs/mls-validation.md."""

    def __init__(self, check: str, message: str) -> None:
        super().__init__(f"{message} [{check}]")
        self.check = check


class DecodeError(MLSError):
    """The bytes are not the encoding of what was expected."""


class ValidationError(MLSError):
    """A rule that public state can judge is broken: everybody refuses this alike."""


class WrongGroup(ValidationError):  # noqa: N818
    """The message belongs to another group."""


class WrongEpoch(ValidationError):  # noqa: N818
    """The message belongs to another epoch of this group."""


class SecretError(MLSError):
    """The public half holds, the secret half does not: tag, path secret or decryption.

    Whoever has no secrets (the delivery service) cannot see this, so such a commit may have been
    ordered; a member repairs it by entering again from the outside.
    """


class MissingSecret(MLSError):  # noqa: N818
    """A secret this needs is not ours: a pre-shared key, or the package of a Welcome."""


class Removed(MLSError):  # noqa: N818
    """The commit is valid and removes our own leaf."""
