"""Pictures and captions of one's own, in the layouts that others write."""
