"""Where atheris is not to be had (it is for Linux), its runs are left out; CI insists on them."""

import os
from importlib.util import find_spec

collect_ignore = (
    [] if find_spec("atheris") or os.environ.get("CI") == "true" else ["test_parsers.py"]
)
