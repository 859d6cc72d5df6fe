"""What a trained model is good for. Read in this order: zero_shot, retrieval, evaluate."""
