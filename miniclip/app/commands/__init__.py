"""The commands, a file each: its help, its arguments, the public function it calls, and how the result is printed.

HELP               what it does, in a line
arguments(parser)  adds its arguments
run(args) -> dict  what it found, as JSON has it
text(result)       the same for people
"""
