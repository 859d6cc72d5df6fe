"""`python -m miniclip`, and `torchrun ... -m miniclip`."""

import os
import sys

from .app.cli import main

code = main()
if "WORLD_SIZE" in os.environ:
    # One of torchrun's processes ends here, without Python's shutdown: Gloo's threads may outlive their group and abort
    # it. Source: github.com/pytorch/pytorch/pull/179291.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.exit(code)
