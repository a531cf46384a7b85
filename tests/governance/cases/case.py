"""The register of cases. A case is a function that stages a commit; its name says what happens."""

from collections.abc import Callable
from dataclasses import dataclass

from coterie.governance.rules.rule import Rule
from tests.governance.scene import Offer


@dataclass(frozen=True)
class Case:
    name: str
    rule: Rule | None
    """The rule that refuses it; None: accepted."""
    stage: Callable[[], Offer]


CASES: list[Case] = []

Stage = Callable[[], Offer]


def accepted(stage: Stage) -> Stage:
    CASES.append(Case(stage.__name__, None, stage))
    return stage


def refused(rule: Rule) -> Callable[[Stage], Stage]:
    def register(stage: Stage) -> Stage:
        CASES.append(Case(stage.__name__, rule, stage))
        return stage

    return register
