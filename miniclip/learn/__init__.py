"""Graded exercises: what they are (`spec`, `specs`), how an answer is run (`sandbox`), judged (`grade`), reported."""
