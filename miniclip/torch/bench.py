"""What `miniclip.app.bench` measures of PyTorch."""

import torch

from .distributed import Place, choose_device
from .train import TorchLearner


def local_learner(device: str, precision: str = "fp32", compile: bool = False, threads: int | None = None):
    """A learner on one device of this process; `threads` is how many cores PyTorch may use."""
    if threads:
        torch.set_num_threads(threads)
    return TorchLearner(Place(0, 1, choose_device(device)), precision, compile)


def encode(learner: TorchLearner, images=None, ids=None):
    """Embeddings of images or of captions, as `Model.encode_image` and `Model.encode_text` give them."""
    with torch.inference_mode():
        if images is not None:
            return learner.module.encode_image(torch.from_numpy(images).to(learner.place.device)).cpu().numpy()
        return learner.module.encode_text(torch.from_numpy(ids).to(learner.place.device)).cpu().numpy()


def peak_device_memory(function) -> int:
    """Bytes that tensors took on a CUDA device, at most, while the function ran."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    function()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def device_name(device: str) -> str:
    """The name of a CUDA device, as its driver gives it; otherwise the device's kind."""
    return torch.cuda.get_device_name() if choose_device(device).type == "cuda" else device


def versions() -> dict[str, str]:
    """Of PyTorch, and how many threads it uses."""
    return {"torch": torch.__version__, "torch_threads": str(torch.get_num_threads())}
