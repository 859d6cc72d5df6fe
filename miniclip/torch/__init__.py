"""The same CLIP in PyTorch: `models.py` to read beside `miniclip/models/`, `train.py` beside `miniclip/train.py`."""
