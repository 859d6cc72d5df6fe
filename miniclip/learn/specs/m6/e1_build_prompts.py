"""Turn class names into prompts: the classes of CLIP are just text.

Put each name in the place of every {} in the template, and return the prompts as a list, one for each class, in the
order of the classes.

A name goes in as it is: no change of capitals, articles or blanks. A template may hold {} once, twice or several
times, and it may hold other signs that look like formatting, such as {style}, a lone } or 100 %. They are plain text
and stay. An empty list of classes gives an empty list.
"""

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "6.1", "Names into prompts", points=2, level=1, minutes=5,
    use="`build_prompts` in tasks/zero_shot.py makes classes out of names, so that a new class costs a line of text.",
    hints=(
        "A prompt is the template with a name in it. Do that once for each class and collect the results.",
        "str.format and % read more than {} and stumble over other braces and signs. A string has another method, "
        "which swaps one piece of text for another wherever it occurs.",
        'classes ["ring", "star"] and the template "a {}, only a {}" give a list of 2 prompts: "a ring, only a '
        'ring" and "a star, only a star".',
    ),
)  # fmt: skip


@exercise.solution
def build_prompts(classes, template):
    """One prompt for each class.

    classes: list of str; template: str with {} where the name goes -> list of str
    """
    return [template.replace("{}", name) for name in classes]


@exercise.oracle
def sign_by_sign(classes, template):
    prompts = []
    for name in classes:
        prompt, i = "", 0
        while i < len(template):
            here = template[i] == "{" and template[i + 1 : i + 2] == "}"
            prompt += name if here else template[i]
            i += 2 if here else 1
        prompts.append(prompt)
    return prompts


@exercise.also_right
def split_and_join(classes, template):
    parts = template.split("{}")
    return [name.join(parts) for name in classes]


@exercise.also_right
def as_a_tuple(classes, template):
    return tuple(map(lambda name: str.replace(template, "{}", name), classes))


@exercise.also_right
def with_a_pattern(classes, template):
    import re

    found = []
    for name in classes:
        found.append(re.sub(r"\{\}", lambda _, name=name: name, template))
    return found


@exercise.wrong("Every prompt names the same class, number 0 of the list. Use the name that the loop is at.")
def first_class_for_all(classes, template):
    return [template.replace("{}", classes[0]) for _ in classes]


@exercise.wrong("""You returned the bare template, with nothing filled in. The two signs {} stand for a name. Strings do
not change in place: use what replace returns.""")
def template_only(classes, template):
    return [template for _ in classes]


@exercise.wrong("Only the first {} got a name, and this template has two. Let replace work on all of them.")
def replaces_first_only(classes, template):
    return [template.replace("{}", name, 1) for name in classes]


@exercise.wrong("""A name lost its capitals. Prompts are what the user typed, letter for letter. Leave out the call to
lower.""")
def lower_cases(classes, template):
    return [template.replace("{}", name.lower()) for name in classes]


@exercise.wrong("""The method `str.format` reads other braces as fields, too. Only the 2 signs {} have a meaning here,
so swap the text itself.""")
def breaks_on_braces(classes, template):
    return [template.format(*[name] * 9) for name in classes]


@exercise.wrong("The % operator reads every percent sign as a field, as in 100 %. Swap the text itself instead.")
def breaks_on_percent(classes, template):
    return [template.replace("{}", "%s") % ((name,) * template.count("{}")) for name in classes]


@exercise.wrong("""You returned a single string. The text tower takes a list, with one prompt for each class. Return the
list without joining it.""")
def one_string(classes, template):
    return ", ".join(template.replace("{}", name) for name in classes)


@exercise.wrong("""Your prompts are sorted. Class number 0 has to stay number 0, or predictions get the wrong names.
Keep the order of classes.""")
def sorts(classes, template):
    return sorted(template.replace("{}", name) for name in classes)


@exercise.wrong("""You made one prompt for each letter of the last class. Loop over the list of classes, not over one
name.""")
def loops_over_letters(classes, template):
    return [template.replace("{}", letter) for letter in "".join(classes[-1:])]


@exercise.wrong("""You mended the article. Nice English, but a template with 2 articles or another language would break.
Leave the template as it is.""")
def mends_the_article(classes, template):
    def article(name):
        return "an" if name[:1].lower() in "aeio" else "a"

    return [template.replace("a {}", f"{article(name)} {name}").replace("{}", name) for name in classes]


@exercise.wrong("Blanks at the ends of a name or prompt were cut off. Pass on what was given, sign by sign.")
def strips(classes, template):
    return [template.replace("{}", name.strip()).strip() for name in classes]


@exercise.wrong("""A class that stands in the list twice got one prompt. There is one for each entry, so that number 2
of the prompts is still that of class 2.""")
def names_once(classes, template):
    return [template.replace("{}", name) for name in dict.fromkeys(classes)]


@exercise.wrong("You put the name behind the template. It belongs where the two signs {} stand.")
def appends(classes, template):
    return [template.replace("{}", "").rstrip() + " " + name for name in classes]


@exercise.wrong("""The full stop at the end of the template is gone. It is one of the signs that CLIP reads, and all its
80 templates end with one: change nothing but {}.""")
def eats_the_full_stop(classes, template):
    return [template.rstrip(".").replace("{}", name) for name in classes]


@exercise.wrong("""You began each prompt with a capital letter. Pass the template on sign by sign: to some tokenizers
"A" and "a" are two tokens.""")
def capitalises(classes, template):
    return [template[:1].upper() + template[1:].replace("{}", name) for name in classes]


exercise.case("4 classes, one twice", ["dog", "cat", "dog", "horse"], "a photo of a {}, seen from afar")
exercise.case("2 places for the name", ["ring", "heart"], "a {} is a {}")
exercise.case("capitals, an article, a blank", ["T-Rex", "orange  ring", "emu "], "this is a {}")
exercise.case("signs that look like formatting", ["cup", "{x} 5 %s"], "a {} in {style} }, 100 % {}")
exercise.case("only percent signs", ["star", "cross"], "a {}, 50 % off")
exercise.case("braces only", ["star", "cross"], "a {} in {style}")
exercise.case("a full stop, and one in a name", ["dog", "St. Bernard", "no."], "a photo of a {}.")
exercise.case("no classes", [], "a {}")
