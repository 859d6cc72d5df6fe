"""The bridge in the package, and how it would be had it not been aligned, or not been asked.

    aligned only         its queries learned to be the words of the notes
    aligned, then asked  then from questions: this is `load("bridge")`
    asked only           from the same questions, and never to be words

All three lead from one image tower to one language model, so beside the first model only the bridges of the others are
kept, in half precision as all of its weights: see `train.stages.align_stage`.

    miniclip study bridge && python -m miniclip.labs.bridges runs/studies/bridge-seed0 OUT
"""

import sys
from pathlib import Path

import numpy as np

from ..files.checkpoint import BRIDGE, OTHER_WEIGHTS, load, model_files
from ..files.state import LOG, RECIPE
from ..files.storage import commit, read_verified
from ..files.tensors import encode_tensors, parse_tensors
from ..model import BridgedModel
from ..nn.tree import flatten, unflatten
from ..train.plan import folder_of

ALIGNED, BOTH, ASKED = "aligned only", "aligned, then asked", "asked only"
TRAINED = {ALIGNED: "bridge: queries, to be asked", BOTH: "bridge: queries", ASKED: "bridge: queries, not aligned"}
OTHERS, LOG_OF_ASKED = "bridges.safetensors", "asked_only.jsonl"


def load_bridges() -> dict[str, BridgedModel]:
    """The three bridged models by name, in the order of what they learned."""
    model = load("bridge")
    named = parse_tensors(read_verified(BRIDGE, OTHERS), BRIDGE / OTHERS)

    def other(way: str) -> BridgedModel:
        own = {name: named[f"{way}: {name}"].astype(np.float32) for name in flatten(model.params["bridge"])}
        return model.with_params(model.params | {"bridge": unflatten(own)})

    return {way: model if way == BOTH else other(way) for way in TRAINED}


def main(study: str, out: str) -> None:
    """Write the folder of the package from that of a study."""
    folders = {way: folder_of(Path(study), name) for way, name in TRAINED.items()}
    models = {way: load(folder) for way, folder in folders.items()}
    bridges = {f"{way}: {name}": leaf for way in (ALIGNED, ASKED)
               for name, leaf in flatten(models[way].params["bridge"]).items()}  # fmt: skip
    commit(Path(out), model_files(models[BOTH]) | {
        OTHER_WEIGHTS: encode_tensors(flatten(models[BOTH].params), dtype=np.float16),
        OTHERS: encode_tensors(bridges, dtype=np.float16),
        **{name: read_verified(folders[BOTH], name) for name in (RECIPE, LOG)},
        LOG_OF_ASKED: read_verified(folders[ASKED], LOG),
    })  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
