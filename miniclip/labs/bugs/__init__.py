"""Known bugs, a file for each place where they are written."""
