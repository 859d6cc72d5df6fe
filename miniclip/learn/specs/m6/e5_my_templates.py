"""Find two templates that make the shipped model a better classifier.

The default is "a {}", where {} is the class. Return two of your own, (t1, t2). You are given a function:
accuracy(template) is the share of validation pictures that one template gets right. Use it as often as you like, or
not at all. The test pictures are the grader's: accuracy(template, "test") is refused.

The model knows the words of a small world: photo, sketch, painting, scan; picture, image; small, large; shape,
object, thing; at the top, in the centre, on the left and more. Each template holds {} once, at most 11 other words,
and no colour or shape. On the test pictures, with three sets of classes (64 coloured shapes, 8 shapes, 8 colours):

* neither template's loss, the mean of -ln p(right class), is above the default's by more than 0.03;
* your two say different things: their class vectors have a mean cosine below 0.99;
* the ensemble of all three has a lower loss than its members have on average.

Write your reason for each as a comment, then read `solution`.
"""

import numpy as np

from miniclip.learn.spec import Exercise, Fixture

exercise = Exercise(
    "6.5", "Templates of your own", points=5, level=2, minutes=25, needs=("6.2",),
    use="`TEMPLATES` in tasks/zero_shot.py is such a set, and figures/lectures/f15_templates.py draws what more of "
        "them buy.",
    hints=(
        "A single prompt says more than the class: it also hints at a style, a size or a place. Prompts that "
        "differ in those and agree on the class cancel each other's extras in the mean.",
        "Vary the style (a painting, a scan), the size or the place. Words that the model has never met, such as "
        "blurry, become <unk> and tell it nothing. Look at accuracy(template) before you decide; a gap of less "
        "than 1 % is luck.",
        '"a picture of a {}" and "an image of a {}" have a cosine of 0.99 or more: 2 prompts, 1 opinion. "a photo '
        'of a {}" and "a {} on the right" differ in kind.',
    ),
)  # fmt: skip


@exercise.solution
def my_templates(accuracy):
    """Two templates to go with "a {}".

    accuracy: function of a template -> share of validation pictures that it gets right -> (t1, t2)
    """
    # Different kinds of extras, so that their mean is about the class: style, size or place.
    candidates = ["a painting of a {}", "a scan of a {}", "a small {}", "a {} at the top"]
    best = sorted(candidates, key=accuracy, reverse=True)
    return best[0], best[1]


@exercise.judge
def judge(args, value):
    from miniclip.data.grammar import LEXICON
    from miniclip.learn.fixtures_m6 import measure, model, weights

    kind = args[0].name.split(".")[1]
    if not (isinstance(value, tuple | list) and all(isinstance(template, str) for template in value)):
        return "Return 2 templates, both text."
    if len(value) != 2:
        return "not_two"
    for template in value:
        words = template.lower().replace("{}", " ").replace(".", " ").replace(",", " ").split()
        if "{}" not in template:
            return "no_placeholder"
        if template.count("{}") > 1:
            return "two_placeholders"
        if " ".join(template.lower().split()) == "a {}":
            return "same_as_default"
        if any(LEXICON.get(word, ("",))[0] in ("shape", "colour") for word in words):
            return "label_leak"
        if not set(words) <= set(model().tokenizer.words):
            return "unknown_word"
        if len(words) > 11:
            return "too_long"
    if value[0] == value[1]:
        return "twice_the_same"
    if np.mean((weights(kind, value[0]) * weights(kind, value[1])).sum(axis=1)) > 0.99:
        return "near_duplicate"
    default, *own = (measure(kind, [template], "test") for template in ("a {}", *value))
    if max(loss for _, loss in own) > default[1] + 0.03:
        return "worse_than_default"
    mean = np.mean([loss for _, loss in (default, *own)])
    together = measure(kind, ["a {}", *value], "test")[1]
    if together >= mean:
        return f"Together the 3 templates have a loss of {together:.4f}, alone {mean:.4f} on average. Vary them more."
    return None


@exercise.also_right
def chosen_by_hand(accuracy):
    return ["a photo of a {}", "a large {} in the centre"]


@exercise.also_right
def place_and_style(accuracy):
    return "a {} on the left", "A sketch of a {}."


@exercise.also_right
def by_search(accuracy):
    frames = [f"a {style} of a {size} {{}}" for style in ("photo", "painting") for size in ("small", "large")]
    scores = {frame: accuracy(frame, split="validation") for frame in frames}
    first = max(scores, key=scores.get)
    return first, max((f for f in frames if f.split()[1] != first.split()[1]), key=scores.get)


@exercise.wrong("""A template has no {}. All classes then get the same prompt, and none can win. Put {} where the name
belongs.""")
def no_placeholder(accuracy):
    return "a photo of a {}", "a painting of a shape"


@exercise.wrong("""One of your two templates is the default again. It has its vote already. Say something about style,
size or place instead.""")
def same_as_default(accuracy):
    return "a {}", "a photo of a {}"


@exercise.wrong("""A template names a colour or a shape. It leans every class towards that one. Use words that fit every
class.""")
def label_leak(accuracy):
    return "a red {}", "a photo of a {}"


@exercise.wrong("""You asked for the test accuracy while choosing. A number that you choose by is no test any more: the
best of 20 tries looks good by luck. Use the validation pictures.""")
def tuned_on_test(accuracy):
    candidates = ["a photo of a {}", "a scan of a {}", "a small {}"]
    return tuple(sorted(candidates, key=lambda template: accuracy(template, "test"))[-2:])


@exercise.wrong("""Your two templates give class vectors with a cosine above 0.99, so they have one opinion between
them. Vary the style, the size or the place.""")
def near_duplicate(accuracy):
    return "a sketch of a {}", "a drawing of a {}"


@exercise.wrong("""Both templates are the same text. An ensemble of copies is that one prompt with more votes. Write a
second one that differs.""")
def twice_the_same(accuracy):
    return "a photo of a {}", "a photo of a {}"


@exercise.wrong("""The model does not know a word of yours. It reads <unk> instead and learns nothing from it. Keep to
the words of its world.""")
def unknown_word(accuracy):
    return "a blurry photo of a {}", "a large {}"


@exercise.wrong("""One template's loss is more than 0.03 above the default's. It reads unlike the captions of the
training; a class without its article does, for example. Write as those did.""")
def worse_than_default(accuracy):
    return "{}", "a photo of a {}"


@exercise.wrong("""A template holds {} more than once. Then the name comes twice, and no caption of the training reads
like that. Use it once.""")
def two_placeholders(accuracy):
    return "a {} and a {}", "a photo of a {}"


@exercise.wrong("""Return exactly two templates, as a pair (t1, t2). The default "a {}" is added by the grader.""")
def not_two(accuracy):
    return ("a photo of a {}",)


@exercise.wrong("""A template has more than 11 words beside the name. The text tower reads 16 tokens, start and end
included, and cuts off the rest. Shorten it.""")
def too_long(accuracy):
    return "in the top left corner of a small picture and above the centre a {}", "a photo of a {}"


exercise.case("64 coloured shapes", Fixture("m6.pairs"))
exercise.case("8 shapes", Fixture("m6.shapes"))
exercise.case("8 colours", Fixture("m6.colours"))
