"""Models: config, init, forward, backward. Read in this order: vision, text, clip."""
