"""A run is a folder: whole, verified, resumable."""
