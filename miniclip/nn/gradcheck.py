"""Is this backward right? Compare it with differences of the forward.

The recipe: float64, a fourth-order difference, the first of three step sizes that fits, or the best (a large step
suffers from curvature, a small one from rounding), and an error relative to the norm of the gradient itself. A correct
gradient scores about 1e-9, a wrong one about 1: nothing lies between, so 1e-7 is a safe line.

A loss to differentiate is made with a *random* upstream gradient R, as `sum(R * f(x))`. With R = 1 a softmax or a
layer norm whose backward returns zeros would pass, because the sum of its outputs never changes.
"""

import numpy as np

from .tree import flatten

STEPS = (2e-4, 1e-3, 4e-5)
FITS = 1e-8  # an error below this is no wrong gradient's: no other step size is tried


def slope(f, h: float) -> float:
    """f'(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h + O(h^4), for a function f of one number."""
    return (8.0 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12.0 * h)


def numerical_gradient(f, x: np.ndarray, h: float) -> np.ndarray:
    """df/dx_i for every entry of x (float64), one at a time; `f(x)` reads x, which is moved and put back."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]

        def along(t, i=i, kept=kept):
            x[i] = kept + t
            return f(x)

        gradient[i] = slope(along, h)
        x[i] = kept
    return gradient


def gradcheck(f, x: np.ndarray, gradient: np.ndarray) -> float:
    """|gradient - numerical| / |gradient|: the first below FITS over the step sizes, or the best.

    f : array -> float; x : float64 array (moved in place, restored); gradient : the claimed df/dx, same shape.
    Where the claimed gradient is exactly zero the error is absolute.
    """
    if x.dtype != np.float64:
        raise TypeError(f"x is {x.dtype}, expected float64: differences of float32 values are mostly rounding")
    if np.shape(gradient) != x.shape:
        raise ValueError(f"the gradient has shape {np.shape(gradient)}, expected that of x, {x.shape}")
    size = float(np.linalg.norm(gradient)) or 1.0
    return first_fit(float(np.linalg.norm(gradient - numerical_gradient(f, x, h))) / size for h in STEPS)


def first_fit(errors) -> float:
    """The first that is below FITS, or the smallest: those after it are not even computed."""
    smallest = float("inf")
    for error in errors:
        smallest = min(smallest, error)
        if smallest < FITS:
            break
    return smallest


def gradcheck_tree(f, params, grads, rng: np.random.Generator | None = None) -> dict[str, float]:
    """The relative error of every tensor of a tree, by dotted name; `f()` is the loss, read from `params`.

    With `rng`, each tensor is checked along one random direction instead of entry by entry: five numbers a tensor,
    enough to catch any error that is not orthogonal to the direction, and cheap enough for a whole model.
    """
    leaves, claimed = flatten(params), flatten(grads)
    if leaves.keys() != claimed.keys():
        raise ValueError(f"parameters and gradients differ in {sorted(leaves.keys() ^ claimed.keys())}")
    errors = {}
    for name, leaf in leaves.items():
        if rng is None:
            errors[name] = gradcheck(lambda _: f(), leaf, claimed[name])
        else:
            errors[name] = directional_error(f, leaf, claimed[name], rng)
    return errors


def directional_error(f, x: np.ndarray, gradient: np.ndarray, rng: np.random.Generator) -> float:
    """|<gradient, v> - slope along v| / |gradient| for a random v of length 1: steps are as long as in `gradcheck`."""
    direction, kept = rng.standard_normal(x.shape), x.copy()
    direction = direction / np.linalg.norm(direction)

    def along(t):
        x[...] = kept + t * direction
        return f()

    size = float(np.linalg.norm(gradient)) or 1.0
    error = first_fit(abs(float(np.vdot(gradient, direction)) - slope(along, h)) / size for h in STEPS)
    x[...] = kept
    return error
