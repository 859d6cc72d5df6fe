"""What the models see. Read in this order: world, grammar, captions, questions, tokenizer, pairs."""
