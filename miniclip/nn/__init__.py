"""Arrays and their gradients; imports NumPy only."""
