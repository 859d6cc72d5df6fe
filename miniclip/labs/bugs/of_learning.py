"""Bugs of the optimiser, the schedule, the cap, and of going on after a stop."""

import math

import numpy as np

from ...nn.tree import flatten
from ..harness import Bar
from .injection import Bug


def decay_everything(params):
    """1.0 everywhere."""
    return np.concatenate([np.ones(leaf.size, np.float32) for leaf in flatten(params).values()])


def no_correction(self, theta, g, m, v, mask, lr):
    """m and v start at zero, and nothing makes up for it."""
    m += (1.0 - self.b1) * (g - m)
    v += (1.0 - self.b2) * (g * g - v)
    theta -= (lr * self.decay) * (mask * theta)
    theta -= lr * (m / (np.sqrt(v) + self.eps))


def decay_as_gradient(self, theta, g, m, v, mask, lr):
    """The decay goes through m and v, where it is divided by the gradient's size: Adam with L2, not AdamW."""
    g = g + self.decay * mask * theta
    m += (1.0 - self.b1) * (g - m)
    v += (1.0 - self.b2) * (g * g - v)
    denominator = np.sqrt(v / (1.0 - self.b2**self.t)) + self.eps
    theta -= (lr / (1.0 - self.b1**self.t)) * (m / denominator)


def at_once(step, steps, warmup, peak):
    """peak (1 + cos(pi t)) / 2,  t = step / steps: the full rate from the first step on."""
    return 0.5 * peak * (1.0 + math.cos(math.pi * step / steps))


def weights_only(self, vectors, steps):
    """The weights are taken over; the moments begin anew."""
    self.vectors["theta"][...] = vectors["theta"]
    self.steps = self.optimizer.t = steps


LOOP = "tests/test_loop.py"
RELATIONS = "tests/nn/test_relations.py"

BUGS = {
    "no clamp": Bug(
        "Nothing keeps the scale below 100: once pairs are told apart, the loss falls by raising it, without end.",
        {"train.clip:CAPS": {}},
        Bar("learning: scale that only grows", "the scale passes 100", least=101.0),
        f"{LOOP}::test_the_scale_of_a_run_is_capped_at_a_hundred",
        "openai/CLIP #46, PR 530; moein #24",
    ),
    "scale starts at e": Bug(
        "The logarithm of the scale starts at 1.0 and not at ln(1 / 0.07): the softmax is flat at first.",
        {"models.clip:INITIAL_LOGIT_SCALE": 1.0},
        Bar("training: first scale", "the scale starts at 2.7, not 14.3", most=5.0),
        "tests/test_model.py::test_one_text_is_a_batch_of_one",
        "transformers #13430, PR 13436",
    ),
    "decay on everything": Bug(
        "Weight decay pulls biases, layer norms and the temperature to zero too.",
        {"nn.optim:decay_mask": decay_everything},
        Bar("learning: numbers other than matrices that decay", "levels and lengths decay", least=0.5),
        f"{RELATIONS}::test_a_step_without_gradient_moves_exactly_the_matrices_and_the_first_step_is_the_rate",
        "Fast-LLM #542; CLIP4Clip #11",
    ),
    "decay as a gradient": Bug(
        "Weight decay is added to the gradient: Adam divides it by the gradient's size, and it no longer is a decay.",
        {"nn.optim:AdamW.move": decay_as_gradient},
        Bar("learning: decay over what it should be", "a weight without gradient moves as far as any", least=2.0),
        f"{RELATIONS}::test_fifty_steps_of_adamw_are_those_of_torch",
        "Loshchilov, Hutter 2019, arXiv:1711.05101, section 2",
    ),
    "no bias correction": Bug(
        "The moments start at zero and nothing makes up for it: the first steps are half as long.",
        {"nn.optim:AdamW.move": no_correction},
        Bar("learning: first step over the rate", "the first step is not as long as the rate says", most=0.6),
        f"{RELATIONS}::test_fifty_steps_of_adamw_are_those_of_torch",
    ),
    "no warm-up": Bug(
        "The first step has the full rate, when nothing is known yet about the gradient.",
        {"nn.optim:warmup_cosine": at_once},
        Bar("training: first rate over the highest", "the rate is highest at once", least=0.9),
        f"{RELATIONS}::test_the_schedule_and_the_clipping",
    ),
    "moments forgotten": Bug(
        "Who resumes has the weights and not the optimiser's moments: the run goes on another way.",
        {"train.loop:Learner.resume": weights_only},
        Bar("learning: weights differ after a stop", "a run that was stopped is another one", least=1e-3),
        f"{LOOP}::test_a_learner_goes_on_where_another_one_stopped[3]",
        "open_clip #141, #305; yolov5 #292",
    ),
}
