"""`python -m miniclip` is `miniclip`."""

import sys

from .app.cli import main

sys.exit(main())
