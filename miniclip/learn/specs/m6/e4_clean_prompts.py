"""Clean a list of prompts that a language model wrote.

Such lists have faults: blanks at the ends, sentences that stand there twice, and answers that say nothing one could see
("hard to describe in one sentence"). Return a new list:

1. Cut the blanks off both ends of every prompt; drop what is empty then.
2. Drop every prompt that contains one of the banned phrases, whole, anywhere in it, in capitals or not. A prompt that
   shares just a word with a phrase stays.
3. Of prompts that are now equal, keep the first.

Keep the order and the spelling of what stays, and leave the list that came in as it was. One case is a list of 60
descriptions of lantern frogs and ribbon frogs. How many survive, do you think? Guess before you count.
"""

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "6.4", "Clean what a language model wrote", points=4, level=1, minutes=15, needs=("6.2",),
    use="What a language model wrote must be cleaned before `ensemble` in tasks/zero_shot.py gives each sentence a "
        "vote.",
    hints=(
        "Walk through the list once and decide for each sentence: does it stay? A repeated sentence would have 2 "
        "votes in the mean of its class, and one without visual content pulls that mean to nowhere.",
        "Strip first, because a repeat may differ only in its blanks. For the phrases, compare lower-case copies, "
        "with `in` between two strings. For repeats, look into the list that you are building.",
        'Prompts [" A red ring.", "A red ring.", "Hard to say."] with the phrase "hard to say" leave ["A red '
        'ring."]. That is 1 of 3.',
    ),
)  # fmt: skip


@exercise.solution
def clean_prompts(prompts, banned):
    """The prompts worth keeping.

    prompts: list of str; banned: list of str, phrases -> list of str
    """
    kept = []
    for prompt in prompts:
        prompt = prompt.strip()
        useless = any(phrase.lower() in prompt.lower() for phrase in banned)
        if prompt and not useless and prompt not in kept:
            kept.append(prompt)
    return kept


@exercise.oracle
def backwards(prompts, banned):
    """Take away from a numbered list, last to first."""
    left = {i: prompt.strip(" ") for i, prompt in enumerate(prompts)}
    for i in sorted(left, reverse=True):
        text = left[i].casefold()
        places = (text.find(phrase.casefold()) for phrase in banned)
        repeated = any(left[j] == left[i] for j in range(i))
        if not text or max(places, default=-1) >= 0 or repeated:
            del left[i]
    return list(left.values())


@exercise.also_right
def with_a_dict(prompts, banned):
    banned = [phrase.lower() for phrase in banned]
    stripped = dict.fromkeys(map(str.strip, prompts))
    return [p for p in stripped if p and not any(b in p.lower() for b in banned)]


@exercise.also_right
def with_a_pattern(prompts, banned):
    import re

    seen, kept = {""}, ()
    for prompt in (p.strip() for p in prompts):
        if prompt not in seen and not any(re.search(re.escape(b), prompt, re.IGNORECASE) for b in banned):
            kept += (prompt,)
        seen.add(prompt)
    return kept


@exercise.also_right
def in_three_passes(prompts, banned):
    prompts = [p.strip() for p in prompts if p.strip()]
    for phrase in banned:
        prompts = list(filter(lambda p, phrase=phrase: p.lower().count(phrase.lower()) == 0, prompts))
    return sorted(set(prompts), key=prompts.index)


def is_banned(prompt, banned):
    return any(phrase.lower() in prompt.lower() for phrase in banned)


def first_of_each(prompts):
    return list(dict.fromkeys(prompts))


@exercise.wrong("""The order is lost: a set has none. Keep what you have seen in a list or a dict, which remember who
came first.""")
def set_loses_order(prompts, banned):
    return sorted(set(clean_prompts(prompts, banned)))


@exercise.wrong("""A prompt still has blanks at an end. A tokenizer may not mind, but the check for repeats does. Strip
each prompt first.""")
def no_strip(prompts, banned):
    return first_of_each(p for p in prompts if p.strip() and not is_banned(p, banned))


@exercise.wrong("""A sentence still stands there twice. In the mean of its class it would have two votes. Skip what you
have kept already.""")
def keeps_duplicates(prompts, banned):
    return [p.strip() for p in prompts if p.strip() and not is_banned(p, banned)]


@exercise.wrong("""You dropped good sentences because they contain the single word "species". The phrase is longer than
that. Look for the whole phrase.""")
def drops_word_species(prompts, banned):
    return [p for p in clean_prompts(prompts, banned) if "species" not in p.lower()]


@exercise.wrong("""All copies of a repeated sentence are gone. It says something, just not twice. Keep the first of
them.""")
def drops_all_copies(prompts, banned):
    stripped = [p.strip() for p in prompts]
    return [p for p in clean_prompts(prompts, banned) if stripped.count(p) == 1]


@exercise.wrong("""Only prompts that are a banned phrase, word for word, were dropped. The phrase may stand anywhere in
the prompt: use `in`.""")
def exact_phrase_only(prompts, banned):
    phrases = [phrase.lower() for phrase in banned]
    return first_of_each(p.strip() for p in prompts if p.strip() and p.strip().lower() not in phrases)


@exercise.wrong("""Prompts with a banned phrase are still in the list: you never asked for it. Drop every prompt in
which one of the `banned` phrases stands, in capitals or not.""")
def nothing_banned(prompts, banned):
    return first_of_each(p.strip() for p in prompts if p.strip())


@exercise.wrong("""A banned phrase got through because of a capital letter. Compare lower-case copies of both, and keep
the prompt itself as it was written.""")
def case_sensitive(prompts, banned):
    return first_of_each(p.strip() for p in prompts if p.strip() and not any(b in p for b in banned))


@exercise.wrong("""The prompts lost their capitals. Lower case is for the comparison only: put the stripped prompt into
the list.""")
def lower_cases(prompts, banned):
    return first_of_each(p.strip().lower() for p in prompts if p.strip() and not is_banned(p, banned))


@exercise.wrong("""You dropped prompts that share any single word with a phrase. Words such as "to" or "many" are
everywhere. Look for the phrase as a whole.""")
def any_word(prompts, banned):
    words = {word.lower() for phrase in banned for word in phrase.split()}
    return [p for p in clean_prompts(prompts, banned) if not words & set(p.lower().strip(".").split())]


@exercise.wrong("An empty prompt stayed in the list. A line of blanks has no letters once it is stripped. Drop it.")
def keeps_empty(prompts, banned):
    return first_of_each(p.strip() for p in prompts if not is_banned(p, banned))


@exercise.wrong("""A sentence is still there twice. You looked for repeats before you cut the blanks off, and the copies
differed in those. Strip first.""")
def strips_too_late(prompts, banned):
    return [p.strip() for p in first_of_each(prompts) if p.strip() and not is_banned(p, banned)]


@exercise.wrong("""You kept the last copy of a repeated sentence, so the order differs. Keep the first copy, and skip
those that come after it.""")
def keeps_the_last_copy(prompts, banned):
    return first_of_each(reversed([p.strip() for p in prompts if p.strip() and not is_banned(p, banned)]))[::-1]


@exercise.wrong("""You removed from a list while a loop was walking over it. Each removal moves the rest up by 1, so the
next prompt is never looked at; and the caller's list has changed. Build a new one.""")
def removes_while_looping(prompts, banned):
    for prompt in prompts:
        if not prompt.strip() or is_banned(prompt, banned):
            prompts.remove(prompt)
    return first_of_each(p.strip() for p in prompts)


PROMPTS = [
    "A lantern frog is a round green frog with one glowing spot on its chin.",
    " The spot of a lantern frog shines yellow at dusk.",
    "A lantern frog sits on reeds, its chin lit up.",
    "Lantern frogs have smooth skin the colour of moss.",
    "There are many species of lantern frog, so this question is hard to answer.",
    "A lantern frog looks like a pebble with a lamp.",
    "Lantern frogs have smooth skin the colour of moss.",
    "Of all species of frog, the lantern frog has the brightest chin.",
    "Picture a green thumb with a yellow light: that is a lantern frog.",
    "A lantern frog has short arms and wide yellow eyes.",
    "",
    "It is hard to describe a lantern frog in one sentence.",
    "A lantern frog at night is a yellow dot above the water.",
    "Two dark stripes run down the back of a lantern frog.",
    "A lantern frog has short arms and wide yellow eyes. ",
    "The young of this species are all black, but for a pale chin.",
    "A lantern frog is hardly longer than a matchstick.",
    "As a language model, I have never seen a lantern frog.",
    "The throat of a lantern frog swells to a golden ball.",
    "A lantern frog has orange toes, too small to count from afar.",
    "Lantern frogs gather in the reeds, many lights in a row.",
    "There are MANY SPECIES OF lantern frog, in many colours.",
    "A lantern frog is a frog.",
    "A lantern frog is a round green frog with one glowing spot on its chin.",
    "The belly of a lantern frog is white with grey dots.",
    "A lantern frog folds its legs so flat that it seems to have none.",
    "  A lantern frog looks like a pebble with a lamp.",
    "Seen from above, a lantern frog is an oval with two bright beads.",
    "Lantern frogs are hard to describe.",
    "On a leaf, a lantern frog leaves a small ring of light.",
    "A ribbon frog is a slim blue frog with a flat band along each side.",
    "The band of a ribbon frog is white and wavy.",
    "A ribbon frog swims with its bands spread out like fins.",
    "Ribbon frogs have long fingers and a pointed nose.",
    "A ribbon frog is a slim blue frog with a flat band along each side.",
    "It depends on the region what a ribbon frog looks like.",
    "Wet, a ribbon frog shines like blue glass.",
    "   ",
    "A ribbon frog has red rings round its eyes.",
    "The tail-like end of the band trails behind a ribbon frog.",
    "Hard to describe: the colour of a ribbon frog.",
    "A ribbon frog lying still could be a strip of silk.",
    "Ribbon frogs have long fingers and a pointed nose.",
    "A ribbon frog is as long as a pencil and almost as thin.",
    "This species has a dark blue back and a sky-blue belly.",
    "A ribbon frog curls its bands over its head when it rests.",
    "There are many species of ribbon frog.",
    "The legs of a ribbon frog are striped in blue and white.",
    " A ribbon frog has red rings round its eyes. ",
    "From the front, a ribbon frog looks like a blue arrow.",
    "A ribbon frog in the grass is a thin blue line.",
    "As a Language Model, I cannot look at ribbon frogs.",
    "The bands of a young ribbon frog are still short and yellow.",
    "A ribbon frog has webbed feet, each as wide as its head.",
    "What makes ribbon frogs stand out depends on the light: in the sun they sparkle.",
    "A ribbon frog leaps with its bands fluttering.",
    "Ribbon frogs are blue.",
    "ribbon frogs are blue.",
    "A knot of ribbon frogs looks like a tangled scarf.",
    "A ribbon frog is a slim blue frog with a flat band along each side. ",
]  # fmt: skip
BANNED = ["many species of", "hard to describe", "As a language model", "depends on the region"]

exercise.case(
    "6 short prompts",
    ["B is a ring.", " A ring is round. ", "B is a ring.", "Hard to say.", "A star.", "A ring is round."],
    ["hard to say"],
)
exercise.case("60 descriptions of 2 frogs", PROMPTS, BANNED)
exercise.case("nothing banned, 5 prompts", ["Zebra.", "", "zebra.", "  Zebra.", "an emu"], [])
exercise.case(
    "3 neighbours that all go", ["No idea", "No idea.", "I have no idea.", "A cup has 1 handle."], ["no idea"]
)
exercise.case("no prompts", [], ["no idea"])
