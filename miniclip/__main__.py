"""`python -m miniclip` is `miniclip`."""

import sys

from .cli import main

sys.exit(main())
