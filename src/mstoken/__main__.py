"""`python -m mstoken` is `mstoken`."""

import sys

from mstoken.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
