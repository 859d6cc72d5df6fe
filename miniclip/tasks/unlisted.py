"""Does a name that nobody listed fit better? Then none of the classes is right, however sure the softmax is of one.

A softmax shares 100 % out among the names on the list. So the list is made longer, by its own words: where it has "red
circle", "blue circle" and "red star" are offered as well, and a picture that lies much nearer to one of those has none
of the classes. A cosine alone would not tell: "circle" reaches 0.65 and "small red circle on the left" 0.75.
"""

from ..data.grammar import CELLS, COLUMN_PHRASES, LEXICON, ROW_PHRASES
from ..data.world import COLOURS, SHAPES, SIZES, STYLES
from .zero_shot import zero_shot_weights

MARGIN = 0.08  # of cosines
OTHERS = {"shape": SHAPES, "colour": COLOURS, "size": SIZES, "style": STYLES}
PLACES = (tuple(phrase for row in CELLS for phrase in row), ROW_PHRASES, COLUMN_PHRASES)


def rivals(class_names) -> list[str]:
    """The names that differ from one of these in one word of the world's, or in the place, and are not among them.

    >>> rivals(["small thing", "large thing", "shape at the top"])
    ['shape in the middle row', 'shape at the bottom']
    """
    found = []
    for name in class_names:
        words = name.split()
        for i, word in enumerate(words):
            attribute, value = LEXICON.get(word.lower(), ("", -1))
            others = [other for k, other in enumerate(OTHERS.get(attribute, ())) if k != value]
            found += [" ".join([*words[:i], other, *words[i + 1 :]]) for other in others]
        said = next(((one, all_of) for all_of in PLACES for one in all_of if one in name), ("", ()))
        found += [name.replace(said[0], other) for other in said[1]]
    return [name for name in dict.fromkeys(found) if name not in class_names]


def unlisted(model, image, weights, class_names, templates) -> list[str | None]:
    """For each picture the name that fits much better than every class, or None: where none does, or nobody can tell.

    The margin was chosen on pictures of one to three objects (split D): in 0.8 % of those of which a class was true the
    system said that none is. On others, with 150 lists of shapes, of colours, of both and of whole captions, it speaks

        wrongly, where a class is true   in 0.1 % (CLIP, split A), 0.2 % (B); 1.2 % (the system, D)
        where it should                  in 99.7 %, 97.7 %; 82 %

    Where the classes are whole captions, it is wrong more often: in 5 %, the system on D in 16 %. Of shapes that are
    not the world's (`tests/foreign.py`, 16 classes of both words) the CLIP speaks wrongly of 3.5 %, none of them one it
    reads rightly, and tells 92 %.

    Parameters
    ----------
    model : Model
    image : array (B, E), unit vectors
    weights : array (K, E), unit vectors
        Of the classes, with these templates.
    class_names, templates : list of str

    Returns
    -------
    list of B str or None. None throughout where no class has a word of the world, or the model was not trained on it:
    then nobody knows what else a picture could show
    """
    others = rivals(class_names) if model.of_the_world else []
    if not others:
        return [None] * len(image)
    beside = image @ zero_shot_weights(model, others, templates).T
    found = beside.max(1) - (image @ weights.T).max(1) > MARGIN
    return [others[k] if much else None for k, much in zip(beside.argmax(1), found, strict=True)]
