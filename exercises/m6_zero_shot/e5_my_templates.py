"""6.5 Templates of your own (5 points)

Level 2 of 3, about 25 minutes, builds on 6.2.

Find two templates that make the shipped model a better classifier.

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


def my_templates(accuracy):
    """Two templates to go with "a {}".

    accuracy: function of a template -> share of validation pictures that it gets right -> (t1, t2)
    """
    raise NotImplementedError("6.5: write my_templates")
