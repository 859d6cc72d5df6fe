"""What the models see."""
