"""Values as JSON and back: numbers, strings, None, arrays, and lists, tuples and dicts of them. No code, ever."""

import base64

import numpy as np

from .values import Drawn, Fixture, Generator


def encode(value):
    """JSON for a value of `spec.plain`; what cannot be told becomes the name of its type."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic) and np.asarray(value).dtype.kind in "biuf":
        array = np.asarray(value)
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        data = base64.b64encode(array.tobytes()).decode()
        return {"array": data, "dtype": array.dtype.str, "shape": list(array.shape),
                "scalar": isinstance(value, np.generic)}  # fmt: skip
    if isinstance(value, Generator):
        return {"generator": value.seed}
    if isinstance(value, Drawn):
        return {"drawn": value.seed, "shape": list(value.shape)}
    if isinstance(value, Fixture):
        return {"fixture": value.name}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[str(key), encode(item)] for key, item in value.items()]}
    return {"other": type(value).__name__}


def decode(data):
    """The value again; arrays are new and writable."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "array" in data:
        array = np.frombuffer(base64.b64decode(data["array"]), data["dtype"]).reshape(data["shape"]).copy()
        return array[()] if data["scalar"] else array
    if "generator" in data:
        return Generator(data["generator"])
    if "drawn" in data:
        return Drawn(data["drawn"], tuple(data["shape"]))
    if "fixture" in data:
        return Fixture(data["fixture"])
    if "tuple" in data:
        return tuple(decode(item) for item in data["tuple"])
    if "dict" in data:
        return {key: decode(item) for key, item in data["dict"]}
    return f"<{data['other']}>"
