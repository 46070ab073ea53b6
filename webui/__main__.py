"""`python -m webui staff|portal --home DIR --listen HOST:PORT`."""

import sys

from webui.serve import main

if __name__ == "__main__":
    sys.exit(main())
