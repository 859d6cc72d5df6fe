#!/usr/bin/env bash
# Gradescope runs this once, as root, when the autograder is built.
set -e
cd "$(dirname "$0")"
python=python3
apt-get update
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then  # older than what miniclip needs
    python=python3.11
fi
apt-get install -y $python $python-venv
$python -m venv ../venv
../venv/bin/pip install @index@-r requirements.txt ./@wheel@
chmod -R go= . ../venv/lib/python3*/site-packages/miniclip/learn/specs  # the solutions are not for a learner's code
