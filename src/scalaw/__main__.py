"""``python -m scalaw`` is the command ``scalaw``."""

import sys

from scalaw.show.cli import main

if __name__ == "__main__":
    sys.exit(main())
