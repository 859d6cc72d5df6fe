"""Write the learning rate of step t: up along a line, then down along half a cosine.

Steps count from 0.

* Warm-up, t < warmup: lr_max (t + 1) / warmup. The first step already gets a little, and step warmup - 1 gets all of
  it.
* Then half a cosine from lr_max, at t = warmup, down to lr_min, at t = total. With x the share of this stretch that
  is done, from 0 to 1, the rate is lr_min + (lr_max - lr_min) (1 + cos(pi x)) / 2.
* From t = total on it stays at lr_min.

Return a number. A warm-up of 0 steps starts at lr_max, and a warm-up as long as the whole training must not divide by
zero. Graded at the ends of each stretch, in the middle, and after the end.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "5.2", "Warm up, then cool down", points=3, level=1, minutes=15,
    use="`warmup_cosine` in nn/optim.py sets the rate of every step: gently at first, when the gradients are wild, "
        "and calmly at the end.",
    hints=(
        "There are three stretches, and each step lies in exactly one of them. Write one return for each.",
        "Ask first whether the warm-up is still on, then whether training is over. Only what is left gets the "
        "cosine. Its share x counts from the end of the warm-up, not from step 0.",
        "warmup = 2, total = 6, lr_max = 1, lr_min = 0. Steps 0 and 1 give 0.5 and 1. Step 2 has x = 0 and gives "
        "1. Step 4 has x = 0.5 and gives 0.5. Steps 6, 7 and 100 give 0.",
    ),
)  # fmt: skip


@exercise.solution
def lr_schedule(t, warmup, total, lr_max, lr_min):
    """The learning rate of one step.

    t, warmup, total: whole numbers of steps; lr_max, lr_min: numbers -> a number
    """
    if t < warmup:
        return lr_max * (t + 1) / warmup
    if t >= total:
        return lr_min
    x = (t - warmup) / (total - warmup)
    return lr_min + 0.5 * (lr_max - lr_min) * (1 + np.cos(np.pi * x))


@exercise.oracle
def from_a_table(t, warmup, total, lr_max, lr_min):
    rising = [lr_max / warmup * k for k in range(1, warmup + 1)]
    n = total - warmup
    falling = [lr_max - (lr_max - lr_min) * math.sin(math.pi * k / (2 * n)) ** 2 for k in range(n)]
    return (rising + falling + [lr_min] * (t + 1))[t]


@exercise.also_right
def with_interp(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return np.interp(t + 1, [0, warmup], [0, lr_max])
    x = (t - warmup) / (total - warmup) if t < total else 1.0
    return np.array(lr_min + (lr_max - lr_min) * np.cos(0.5 * np.pi * x) ** 2)


@exercise.also_right
def as_a_sum_of_arrows(t, warmup, total, lr_max, lr_min):
    """|1 + e^(i a)|^2 is 2 (1 + cos a)."""
    if t < warmup:
        return sum(lr_max / warmup for _ in range(t + 1))
    x = min((t - warmup) / (total - warmup), 1) if total > warmup else 1
    return lr_min + (lr_max - lr_min) * abs(1 + np.exp(1j * np.pi * x)) ** 2 / 4


@exercise.also_right
def with_nested_conditions(t, warmup, total, lr_max, lr_min):
    half, middle = (lr_max - lr_min) / 2, (lr_max + lr_min) / 2
    return (
        lr_max * (t + 1) / warmup if t < warmup
        else middle + half * math.cos(math.pi * (t - warmup) / (total - warmup)) if t < total
        else lr_min
    )  # fmt: skip


@exercise.wrong("""Your first steps use the full rate at once. Climb along a line from 1/warmup of it, while t is below
warmup.""")
def no_warmup(t, warmup, total, lr_max, lr_min):
    return lr_schedule(max(t, warmup), warmup, total, lr_max, lr_min)


@exercise.wrong("""Your cosine has been running since step 0, so the rate jumps down when the warm-up ends. Start it at
t = warmup and give it total - warmup steps.""")
def cosine_from_zero(t, warmup, total, lr_max, lr_min):
    return lr_schedule(t, warmup if t < warmup else 0, total, lr_max, lr_min)


@exercise.wrong("""After the last step your cosine turns and climbs again, since it has a period of 2 pi. Stay at lr_min
from t = total on.""")
def rises_again(t, warmup, total, lr_max, lr_min):
    if t < warmup or t == total == warmup:
        return lr_schedule(t, warmup, total, lr_max, lr_min)
    x = (t - warmup) / max(1, total - warmup)
    return lr_min + 0.5 * (lr_max - lr_min) * (1 + np.cos(np.pi * x))


@exercise.wrong("""The sum 1 + cos runs from 2 down to 0, so your peak is twice as high as it should be. Take half of
it.""")
def no_half(t, warmup, total, lr_max, lr_min):
    if t < warmup or t >= total:
        return lr_schedule(t, warmup, total, lr_max, lr_min)
    return 2 * lr_schedule(t, warmup, total, lr_max, lr_min) - lr_min


@exercise.wrong("""Your rate falls along a straight line. Both ends agree with the cosine and so does x = 0.5, but a
quarter of the way along it should still be high.""")
def linear(t, warmup, total, lr_max, lr_min):
    if t < warmup or t >= total:
        return lr_schedule(t, warmup, total, lr_max, lr_min)
    return lr_max + (lr_min - lr_max) * (t - warmup) / (total - warmup)


@exercise.wrong("""Your warm-up begins at exactly 0, so the first step moves nothing. Count the step that is being
taken: t + 1 of warmup.""")
def first_step_is_zero(t, warmup, total, lr_max, lr_min):
    return lr_max * t / warmup if t < warmup else lr_schedule(t, warmup, total, lr_max, lr_min)


@exercise.wrong("""Your cosine falls to 0 and not to lr_min. Let it span the difference of the two rates, then add
lr_min.""")
def ignores_the_floor(t, warmup, total, lr_max, lr_min):
    return lr_schedule(t, warmup, total, lr_max, 0.0 if warmup <= t < total else lr_min)


@exercise.wrong("""Your cosine aims at 0, and you cut it off at lr_min. Scale it instead, so that it arrives at lr_min
just at t = total.""")
def cut_off_at_the_floor(t, warmup, total, lr_max, lr_min):
    lr = lr_schedule(t, warmup, total, lr_max, 0.0)
    return lr if t < warmup else max(lr, lr_min)


@exercise.wrong("""Your warm-up climbs from lr_min. Here the line starts at 0: of 4 steps, the first gets a quarter of
lr_max.""")
def warms_from_the_floor(t, warmup, total, lr_max, lr_min):
    if t < warmup:
        return lr_min + (lr_max - lr_min) * (t + 1) / warmup
    return lr_schedule(t, warmup, total, lr_max, lr_min)


@exercise.wrong("Once t reaches total your rate is 0. The last value of the cosine is lr_min, and it stays there.")
def zero_after_the_end(t, warmup, total, lr_max, lr_min):
    return lr_schedule(t, warmup, total, lr_max, lr_min) if t < total else 0.0


@exercise.wrong("""Your cosine gets total steps for its fall, although warmup of them are gone already. Its share x must
reach 1 at t = total: divide by what is left.""")
def fall_too_long(t, warmup, total, lr_max, lr_min):
    if t < warmup or t >= total:
        return lr_schedule(t, warmup, total, lr_max, lr_min)
    return lr_min + 0.5 * (lr_max - lr_min) * (1 + np.cos(np.pi * (t - warmup) / total))


@exercise.wrong("""Your cosine gets the share x alone, from 0 to 1 radian, and so it hardly falls. Half a turn is pi
radians: multiply.""")
def forgets_pi(t, warmup, total, lr_max, lr_min):
    if t < warmup or t >= total:
        return lr_schedule(t, warmup, total, lr_max, lr_min)
    return lr_min + 0.5 * (lr_max - lr_min) * (1 + np.cos((t - warmup) / (total - warmup)))


exercise.case("t = 0 of 23, warm-up 5", 0, 5, 23, 0.003, 0.0002)
exercise.case("t = 4, the last step of the warm-up", 4, 5, 23, 0.003, 0.0002)
exercise.case("t = 5, the top of the cosine", 5, 5, 23, 0.003, 0.0002)
exercise.case("t = 9, less than half way down", 9, 5, 23, 0.003, 0.0002)
exercise.case("t = 14, half way down", 14, 5, 23, 0.003, 0.0002)
exercise.case("t = 22, the last step", 22, 5, 23, 0.003, 0.0002)
exercise.case("t = 23, the end", 23, 5, 23, 0.003, 0.0002)
exercise.case("t = 31, after the end", 31, 5, 23, 0.003, 0.0002)
exercise.case("no warm-up, t = 0", 0, 0, 7, 0.1, 0.0)
exercise.case("warm-up as long as training, t = 3", 3, 3, 3, 0.5, 0.01)
exercise.case("a step in the warm-up of a long run", 1, 3, 2000, 1.0, 0.25)
