"""Search: vectors kept in folders, the nearest of them, and what asks for them."""
