"""What a trained model is good for: zero_shot, retrieval, evaluate; then generation, captioning, vqa, matching."""
