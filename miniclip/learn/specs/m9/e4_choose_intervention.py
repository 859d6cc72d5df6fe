"""Zero-shot accuracy disappoints. What should you do about it?

You measured four accuracies: `base` (the plain prompt), `prompt` (the best prompts), `probe` (a linear probe on frozen
features) and `fine_tune`; you have `n_labels` labelled images. Return one of the words below by this rule:

1. base is 0.95 or more: "none". Leave it alone.
2. Otherwise hold "none", and try "prompt", "probe", "fine_tune" in this order, cheap to dear. Change to the next one if
   it leaves at most 0.8 times the errors (1 - accuracy) of the one you hold. A probe can only be taken with 10 labels
   or more, fine-tuning with 1000 or more; what cannot be taken is passed over.
3. If the accuracy of what you hold at the end is below 0.5, the encoder does not know this domain: "domain_model".
   Otherwise return what you hold.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "9.4", "What to do next", points=3, level=1, minutes=15, needs=("6.3", "9.2"),
    use="It is the decision after each run of tasks/evaluate.py: the cheapest step first, and only if it earns its "
        "price.",
    hints=(
        "Every step up costs more, so it must earn its price. Compare what is offered with what you already hold, not "
        "with the start, and compare errors, not accuracies.",
        "Keep two variables, the word and its accuracy, and walk through a short list of offers. The first and the "
        "last part of the rule stand before and after the loop.",
        "0.60, 0.70, 0.74, 0.90 with 50 labels. Prompts leave 0.30 of 0.40 errors, which is at most 0.32: take them. "
        "The probe leaves 0.26, more than 0.24: no. Fine-tuning needs 1000 labels: no. The answer is prompt.",
    ),
)  # fmt: skip


@exercise.solution
def choose_intervention(base, prompt, probe, fine_tune, n_labels):
    """The cheapest step that is worth its price.

    base, prompt, probe, fine_tune: accuracies from 0 to 1; n_labels: how many labelled images there are
    -> "none", "prompt", "probe", "fine_tune" or "domain_model"
    """
    if base >= 0.95:
        return "none"
    choice, accuracy = "none", base
    for name, offer, labels in (("prompt", prompt, 0), ("probe", probe, 10), ("fine_tune", fine_tune, 1000)):
        if n_labels >= labels and 1 - offer <= 0.8 * (1 - accuracy):
            choice, accuracy = name, offer
    return choice if accuracy >= 0.5 else "domain_model"


@exercise.oracle
def from_the_top(base, prompt, probe, fine_tune, n_labels):
    wrong = {"none": 1 - base, "prompt": 1 - prompt, "probe": 1 - probe, "fine_tune": 1 - fine_tune}
    allowed = {"none": True, "prompt": True, "probe": n_labels > 9, "fine_tune": n_labels > 999}
    names = list(wrong)

    def held_after(i):
        if i == 0:
            return "none"
        before = held_after(i - 1)
        return names[i] if allowed[names[i]] and wrong[names[i]] / wrong[before] <= 0.8 else before

    held = held_after(3)
    return "none" if base >= 0.95 else "domain_model" if wrong[held] > 0.5 else held


@exercise.also_right
def with_lists(base, prompt, probe, fine_tune, n_labels):
    names, scores, needs = ["none", "prompt", "probe", "fine_tune"], [base, prompt, probe, fine_tune], [0, 0, 10, 1000]
    held = 0
    for i in (1, 2, 3):
        if needs[i] <= n_labels and (1 - scores[i]) / (1 - scores[held]) <= 0.8:
            held = i
    if base >= 0.95:
        held = 0
    elif scores[held] < 0.5:
        return "domain_model"
    return names[held]


@exercise.also_right
def with_ifs(base, prompt, probe, fine_tune, n_labels):
    errors, answer = 1 - base, "none"
    if base < 0.95:
        if 1 - prompt <= 0.8 * errors:
            errors, answer = 1 - prompt, "prompt"
        if n_labels >= 10 and 1 - probe <= 0.8 * errors:
            errors, answer = 1 - probe, "probe"
        if n_labels >= 1000 and 1 - fine_tune <= 0.8 * errors:
            errors, answer = 1 - fine_tune, "fine_tune"
        if errors > 0.5:
            answer = "domain_model"
    return answer


@exercise.also_right
def as_numpy_string(base, prompt, probe, fine_tune, n_labels):
    words = np.array(["none", "prompt", "probe", "fine_tune", "domain_model"])
    return str(words[list(words).index(choose_intervention(base, prompt, probe, fine_tune, n_labels))])


def climb(scores, n_labels, worth=lambda offer, held: 1 - offer <= 0.8 * (1 - held), needs=(0, 10, 1000)):
    """The second part of the rule, with another idea of what is worth it: (word, accuracy)."""
    choice, held = "none", scores[0]
    for name, offer, labels in zip(("prompt", "probe", "fine_tune"), scores[1:], needs, strict=True):
        if n_labels >= labels and worth(offer, held):
            choice, held = name, offer
    return choice, held


def finish(base, choice, held):
    """The first and the third part."""
    return "none" if base >= 0.95 else choice if held >= 0.5 else "domain_model"


@exercise.wrong("""Prompts only bring out what the encoder knows; at 0.44 it hardly knows these pictures. Look at the
other measurements too.""")
def always_prompt(base, prompt, probe, fine_tune, n_labels):
    return "prompt"


@exercise.wrong("""Fine-tuning is the dearest step, and 40 labels are too few for it. The probe leaves hardly more
errors. Begin with the cheap steps.""")
def always_fine_tune(base, prompt, probe, fine_tune, n_labels):
    return "fine_tune"


@exercise.wrong("""You took the largest number. From 0.80 to 0.82 is a small gain for a large price. A dearer step must
leave at most 0.8 of the errors.""")
def best_number_wins(base, prompt, probe, fine_tune, n_labels):
    return ("none", "prompt", "probe", "fine_tune")[int(np.argmax([base, prompt, probe, fine_tune]))]


@exercise.wrong("You improve what is good already. From 0.95 on, the rule stops before it looks at anything else.")
def never_stops(base, prompt, probe, fine_tune, n_labels):
    choice, held = climb((base, prompt, probe, fine_tune), n_labels)
    return choice if held >= 0.5 else "domain_model"


@exercise.wrong("""What you hold is right less than half of the time. No step here repairs that: below 0.5 another
encoder is needed.""")
def no_domain_model(base, prompt, probe, fine_tune, n_labels):
    return "none" if base >= 0.95 else climb((base, prompt, probe, fine_tune), n_labels)[0]


@exercise.wrong("""There are not enough labels for your step. A probe needs 10, fine-tuning 1000. Without them a step is
passed over, whatever its number.""")
def ignores_labels(base, prompt, probe, fine_tune, n_labels):
    return finish(base, *climb((base, prompt, probe, fine_tune), n_labels, needs=(0, 0, 0)))


@exercise.wrong("""Exactly 10 labels are enough for a probe, and exactly 1000 for fine-tuning. What the rule calls "10
labels or more" includes the 10 itself.""")
def more_labels_than_asked(base, prompt, probe, fine_tune, n_labels):
    return finish(base, *climb((base, prompt, probe, fine_tune), n_labels, needs=(0, 11, 1001)))


@exercise.wrong("""You compared each step with the base. When prompts already helped, a probe has to leave at most 0.8
of their errors, not of the first ones.""")
def compares_with_base(base, prompt, probe, fine_tune, n_labels):
    scores = (base, prompt, probe, fine_tune)
    return finish(base, *climb(scores, n_labels, lambda offer, held: 1 - offer <= 0.8 * (1 - base)))


@exercise.wrong("""You asked for a gain of 0.2 in accuracy. The rule speaks of errors: those left must be at most 0.8
times those before.""")
def points_not_errors(base, prompt, probe, fine_tune, n_labels):
    return finish(base, *climb((base, prompt, probe, fine_tune), n_labels, lambda offer, held: offer - held >= 0.2))


@exercise.wrong("""You stopped at the first step that helped. Go on: the next one may again leave at most 0.8 of what is
left.""")
def first_gain_wins(base, prompt, probe, fine_tune, n_labels):
    scores = (base, prompt, probe, fine_tune)
    return finish(base, *climb(scores, n_labels, lambda offer, held: held == base and 1 - offer <= 0.8 * (1 - held)))


@exercise.wrong("""You let the number of labels decide alone. Labels, 10 or 1000, only make a step possible. It must
also leave fewer errors.""")
def by_labels_alone(base, prompt, probe, fine_tune, n_labels):
    return "fine_tune" if n_labels >= 1000 else "probe" if n_labels >= 10 else "prompt"


@exercise.wrong("""You gave up because base is below 0.5. First see how far the other steps lead. Only what you hold at
the end counts.""")
def gives_up_at_once(base, prompt, probe, fine_tune, n_labels):
    return "domain_model" if base < 0.5 else finish(base, *climb((base, prompt, probe, fine_tune), n_labels))


@exercise.wrong("You changed for any gain, however small. A dearer step must leave at most 0.8 times the errors.")
def any_gain(base, prompt, probe, fine_tune, n_labels):
    return finish(base, *climb((base, prompt, probe, fine_tune), n_labels, lambda offer, held: offer > held))


@exercise.wrong("""Here a step leaves exactly 0.8 of the errors, 0.25 of 0.3125. The rule says at most 0.8, so this is
enough: compare with `<=`.""")
def less_than_is_asked(base, prompt, probe, fine_tune, n_labels):
    return finish(base, *climb((base, prompt, probe, fine_tune), n_labels, lambda a, held: 1 - a < 0.8 * (1 - held)))


exercise.case("scans, 40 labels", 0.41, 0.44, 0.80, 0.82, 40)
exercise.case("dogs, cats and horses at 0.87, 500 labels", 0.87, 0.91, 0.92, 0.93, 500)
exercise.case("holiday pictures at 0.97, 5000 labels", 0.97, 0.98, 0.985, 0.99, 5000)
exercise.case("satellite pictures, 1000 labels", 0.62, 0.65, 0.71, 0.90, 1000)
exercise.case("microscopy, 30 labels", 0.31, 0.34, 0.46, 0.40, 30)
exercise.case("sketches, 0 labels", 0.55, 0.58, 0.90, 0.62, 0)
exercise.case("paintings, 0 labels", 0.52, 0.70, 0.90, 0.60, 0)
exercise.case("street signs, 2000 labels", 0.60, 0.72, 0.74, 0.76, 2000)
exercise.case("aerial pictures, 999 labels", 0.62, 0.65, 0.71, 0.90, 999)
exercise.case("flowers at 0.92, 2000 labels", 0.92, 0.93, 0.94, 0.945, 2000)
exercise.case("herbs, 50 labels", 0.50, 0.70, 0.90, 0.91, 50)
exercise.case("birds, 10 labels", 0.45, 0.70, 0.90, 0.91, 10)
exercise.case("exactly 0.8 of the errors, 9 labels", 0.6875, 0.75, 0.99, 0.99, 9)
exercise.case("exactly 0.95, 3000 labels", 0.95, 0.97, 0.99, 0.99, 3000)
exercise.case("a probe at exactly 0.5, 100 labels", 0.20, 0.22, 0.50, 0.52, 100)
