"""All cases, registered by being imported."""

from tests.governance.cases import entering, form, leaves, removing, rights, state
from tests.governance.cases.beginnings import BEGINNINGS
from tests.governance.cases.case import CASES
from tests.governance.cases.chains import CHAINS

MODULES = (form, leaves, entering, removing, state, rights)

__all__ = ["BEGINNINGS", "CASES", "CHAINS", "MODULES"]
