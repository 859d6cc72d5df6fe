"""5.5 The same loss in PyTorch (4 points)

Level 2 of 3, about 20 minutes, builds on 4.5.

Write CLIP's loss once more, in PyTorch, and let it find the gradients.

You get NumPy arrays I (N, d) and T (N, d), embeddings of any length, and a number log_scale. Turn all three into
float64 tensors that require gradients. Then the known recipe, all in torch: rows brought to length 1, logits
exp(log_scale) times the cosines, pair i on the diagonal, cross-entropy along the rows and along the columns, and the
mean of both. Call `backward` on the loss.

Return four tensors: (loss, gradient in I, gradient in T, gradient in log_scale). Import torch inside the function.
Graded in float64 against NumPy's value and slopes, with rows of very different lengths, a single pair, and a scale of
1000.
"""

import numpy as np


def torch_clip_loss(I, T, log_scale):
    """The loss and its gradients, by autograd.

    I (N, d), T (N, d): arrays; log_scale: a number -> four float64 tensors: loss (), (N, d), (N, d), ()
    """
    raise NotImplementedError("5.5: write torch_clip_loss")
