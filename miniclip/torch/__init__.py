"""The same in PyTorch, to read beside `miniclip/models/` and `miniclip/train/`; the only place that imports torch."""
