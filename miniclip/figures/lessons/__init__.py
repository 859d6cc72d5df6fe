"""Pictures that only notebooks draw: as wide as a notebook, with a title that they are given."""
