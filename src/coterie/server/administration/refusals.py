"""Why something an operator asked for was not done."""


class Impossible(Exception):  # noqa: N818 - named after the state it reports
    """The message says what to do; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
