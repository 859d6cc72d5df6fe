"""f25: pictures upside down: what wordings repair, what labels repair, and how sure the model is meanwhile."""

import numpy as np

from ...data.drawing import draw_scenes
from ...labs.domains import DOMAINS, NAMES, accuracy_of, amount, classes_of, labelled, pictures_of, tests
from ...labs.out_of_domain import calibration_error, reliability
from ...tasks.probes import probe_scores, ridge_probe
from ...tasks.zero_shot import build_prompts, classify, zero_shot_probabilities, zero_shot_weights
from ..page import thumbnail
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, POSITIVE, TEXT
from . import Drawn
from .f15_templates import POOL

TITLE = "Out of domain"
NOTEBOOK = "14"
NOTE = (
    "Turn a page with a heart upside down and ask what the model will say. “Triangle”, as sure as ever. Left: let the "
    "class propose wordings, then point at the flat line; its points are even chosen on the pictures of the test. "
    "Words only choose among what the image tower makes of a picture, and it has never seen a heart with its tip up. "
    "A probe starts below: with one label of each class it is worse than any prompt. Right: each line is the distance "
    "between sure and right, and the calibration error is their mean, with the number of pictures as weight. Nearly "
    "all lie in the last bin, so nothing in the model's own numbers warns."
)

DOMAIN, N, BINS = "upside down", 1024, 10
TRIED = (1, 2, 5, 10, 20, 50)  # wordings; or labels of each class
FEWEST = 5  # pictures of a bin that is drawn
ITEM = 217  # of split A: the picture that is shown
PLACES = {"home": "upright", DOMAIN: DOMAIN}
LOOKS = {"upright": (POSITIVE, "o"), DOMAIN: (NEGATIVE, "X")}


def measure(model) -> tuple[list[dict], list[dict], list[dict]]:
    """Rows of what was tried: wordings, labels; of the bins of confidence, upright and upside down, and of all."""
    test = tests(0, N)
    seen = {domain: model.encode_image(pictures_of(test, domain)) for domain in PLACES}
    text = model.encode_text([prompt for group in build_prompts(NAMES, POOL) for prompt in group])
    text = text.reshape(len(NAMES), len(POOL), -1)[:, np.random.default_rng(0).permutation(len(POOL))]
    alone = [accuracy_of(seen[DOMAIN] @ text[:, k].T, test) for k in range(len(POOL))]
    wordings = [{"way": "best of so many wordings", "tried": n, "right": max(alone[:n])} for n in (*TRIED, len(POOL))]
    most = labelled(0, TRIED[-1])
    known, labels = model.encode_image(pictures_of(most, DOMAIN)), classes_of(most)
    probes = []
    for n in TRIED:
        first = np.sort(np.concatenate([np.flatnonzero(labels == k)[:n] for k in range(len(NAMES))]))
        weights = ridge_probe(known[first], labels[first], len(NAMES))
        probes.append({"way": "probe", "tried": n, "right": accuracy_of(probe_scores(weights, seen[DOMAIN]), test)})
    return wordings, probes, [row for domain in PLACES for row in bins_of(model, seen[domain], test, PLACES[domain])]


def bins_of(model, seen, test, place: str) -> list[dict]:
    """A row for each bin of confidence, and one for all pictures, of the prompts of all templates."""
    p = zero_shot_probabilities(seen, zero_shot_weights(model, NAMES), model.logit_scale)
    right = p.argmax(1) == classes_of(test)
    rows = [{"way": place, "pictures": int(n), "sure": float(sure), "right": float(share)}
            for n, sure, share in reliability(p, right, BINS)]  # fmt: skip
    whole = {"way": f"{place}, all", "pictures": len(p), "sure": float(p.max(1).mean()), "right": float(right.mean())}
    return [*rows, whole | {"calibration_error": calibration_error(p, right, BINS)}]


def shown(model) -> tuple[np.ndarray, dict]:
    """One picture upside down, and a row of what the prompts say it is."""
    scene = tests(0, N)[[ITEM]]
    p = classify(model, pictures_of(scene, DOMAIN), NAMES)[0]
    said = {"way": f"a {NAMES[classes_of(scene)[0]]}", "said": NAMES[p.argmax()], "sure": float(p.max())}
    return DOMAINS[DOMAIN](draw_scenes(scene))[0], said


def draw(slide: Slide, run) -> Drawn:
    wordings, probes, bins = measure(run.model)
    turned = next(row for row in bins if row["way"] == f"{DOMAIN}, all")
    upright = next(row for row in bins if row["way"] == f"{PLACES['home']}, all")
    last = probes[-1]
    top = slide.title(
        f"Upside down it is {turned['sure']:.0%} sure and {turned['right']:.0%} right; no wording helps, "
        f"but {amount(last['tried'])} of each class reach {last['right']:.0%}"
    )
    example = shown(run.model)
    em, high = slide.em, slide.height
    if slide.wide:
        half = slide.width / 2
        ways(slide, (5.5 * em, top, half - 7.0 * em, high - top - 4.2 * em), wordings, probes)
        diagram(slide, (half + 5.5 * em, top, half - 7.0 * em, high - top - 4.2 * em), bins, example)
    else:
        room = (high - top - 8.9 * em) / 2
        ways(slide, (5.5 * em, top, slide.width - 7.0 * em, room), wordings, probes)
        diagram(slide, (5.5 * em, top + room + 4.7 * em, slide.width - 7.0 * em, room), bins, example)
    return Drawn(
        f"{N:,} pictures upside down, {len(NAMES)} classes. Left: the best of {len(POOL)} wordings, chosen on these "
        f"pictures, names {100 * wordings[-1]['right']:.1f} %; a linear probe on {amount(TRIED[2])} of each class "
        f"{100 * probes[2]['right']:.1f} %, on {last['tried']} {100 * last['right']:.1f} %. Right, all templates: "
        f"upside down sure {100 * turned['sure']:.1f} %, right {100 * turned['right']:.1f} %, calibration error "
        f"{turned['calibration_error']:.2f}; upright {upright['calibration_error']:.2f}. Larger marks: more "
        f"pictures; bins with fewer than {FEWEST} are left out.",
        f"Left, a flat line of wordings at {wordings[-1]['right']:.0%} and a curve of the probe that climbs through it "
        f"from {probes[0]['right']:.0%} to {last['right']:.0%}. Right, share right against confidence: upright on the "
        "diagonal at its end, upside down far below it everywhere.",
        [*wordings, *probes, *bins, example[1]],
    )


def ways(slide: Slide, box, wordings, probes) -> None:
    """The share right by what was tried: wordings, the best so far; labels of each class, a probe on them."""
    axes = slide.axes(box, "wordings, or labels of each class", "right, in %", grid=True)
    for rows, colour, marker, dash in ((wordings, TEXT, "s", (0, (4, 1.5))), (probes, IMAGE, "o", "-")):
        axes.plot([row["tried"] for row in rows], [100 * row["right"] for row in rows], color=colour, marker=marker,
                  linestyle=dash, linewidth=slide.line, markersize=0.6 * slide.body, markeredgecolor=slide.paper,
                  clip_on=False, zorder=3)  # fmt: skip
    end = wordings[-1]["tried"]
    axes.set(xscale="log", xlim=(0.9, 1.1 * end), ylim=(0, 100))
    axes.set_xticks([*TRIED, end], [*map(str, TRIED), str(end)])
    axes.set_xticks([], minor=True)
    axes.set_yticks([0, 25, 50, 75, 100])
    letter = 100 * slide.em / box[3]
    high = 100 * wordings[-1]["right"]
    slide.label(axes, end, high - 1.2 * letter, f"the best wording: {high:.0f}%", ha="right", weight="bold")
    first, *_, last = probes
    slide.label(axes, 8.5, 84, "a probe", ha="right", weight="bold")
    slide.label(axes, 1.15, 100 * first["right"] - letter, f"{first['right']:.0%}", weight="bold")
    slide.label(axes, last["tried"] * 1.2, 100 * last["right"], f"{last['right']:.0%}", weight="bold")


def diagram(slide: Slide, box, bins, example) -> None:
    """Share right against confidence; a line from each point to where it should be, larger where there are more."""
    axes = slide.axes(box, "how sure, in %", "right, in %")
    axes.plot([0, 100], [0, 100], color=slide.muted, linewidth=slide.line / 2)
    for row in (row for row in bins if row["way"] in LOOKS and row["pictures"] >= FEWEST):
        colour, marker = LOOKS[row["way"]]
        sure, right = 100 * row["sure"], 100 * row["right"]
        axes.plot([sure, sure], [sure, right], color=colour, linewidth=slide.line / 2, clip_on=False)
        axes.plot([sure], [right], marker, color=colour, markeredgecolor=slide.paper, clip_on=False, zorder=3,
                  markersize=slide.body * (0.5 + 0.8 * (row["pictures"] / N) ** 0.5))  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(0, 100), xticks=[0, 25, 50, 75, 100], yticks=[0, 25, 50, 75, 100])
    sheet, em, (picture, row) = slide.sheet(box), slide.em, example
    for k, (place, (colour, marker)) in enumerate(LOOKS.items()):
        sheet.plot([em], [(0.6 + 1.4 * k) * em], marker, color=colour, markersize=0.7 * slide.body)
        slide.write(sheet, 1.8 * em, 1.4 * k * em, place)
    side = (5.5 if slide.wide else 3.6) * em
    thumbnail(sheet, picture, 0.5 * em, 3.2 * em, side)
    for k, said in enumerate((f"“{row['said']}”,", f"{row['sure']:.0%} sure")):
        slide.write(sheet, side + 1.1 * em, (3.5 + 1.4 * k) * em, said)
