"""6.4 Clean what a language model wrote (4 points)

Level 1 of 3, about 15 minutes, builds on 6.2.

Clean a list of prompts that a language model wrote.

Such lists have faults: blanks at the ends, sentences that stand there twice, and answers that say nothing one could see
("hard to describe in one sentence"). Return a new list:

1. Cut the blanks off both ends of every prompt; drop what is empty then.
2. Drop every prompt that contains one of the banned phrases, whole, anywhere in it, in capitals or not. A prompt that
   shares just a word with a phrase stays.
3. Of prompts that are now equal, keep the first.

Keep the order and the spelling of what stays, and leave the list that came in as it was. One case is a list of 60
descriptions of lantern frogs and ribbon frogs. How many survive, do you think? Guess before you count.
"""

import numpy as np


def clean_prompts(prompts, banned):
    """The prompts worth keeping.

    prompts: list of str; banned: list of str, phrases -> list of str
    """
    raise NotImplementedError("6.4: write clean_prompts")
