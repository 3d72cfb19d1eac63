"""Say in one line what is missing before anything is set up. Runs on any Python 3."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python is what this file is for
    sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12")
try:
    import ensurepip  # noqa: F401 - only whether it is there
except ImportError:
    sys.exit("This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv")
