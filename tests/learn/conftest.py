"""`right/` holds answers as learners write them: the grader runs them one by one, nobody imports them."""

collect_ignore = ["right"]
