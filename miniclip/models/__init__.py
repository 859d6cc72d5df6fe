"""Models: config, init, forward, backward."""
