"""Someone who answers from a script, in place of a person at a terminal."""


class Learner:
    """Replies from a script and keeps what was said; out of replies, the input is at its end."""

    def __init__(self, replies):
        self.replies, self.heard = iter(replies), []

    def ask(self, prompt):
        self.heard.append(prompt)
        try:
            return next(self.replies)
        except StopIteration:
            raise EOFError from None

    def say(self, text):
        self.heard.append(text)

    @property
    def text(self):
        return "\n".join(self.heard)
