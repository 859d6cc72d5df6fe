"""What the practice page is made of, as data: the quiz, the flashcards and the cheat sheet."""
