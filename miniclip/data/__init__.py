"""What the models see: world, drawing, grammar, captions, questions, tokenizer, prompts, pairs, in this order."""
