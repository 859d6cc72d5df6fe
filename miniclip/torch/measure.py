"""What `miniclip bench` measures of PyTorch."""

import torch

from ..model import Model
from ..train.backend import Backend
from .distributed import Place, choose_device
from .learner import backend_at, module_of


def local_backend(device: str, precision: str = "fp32", compile: bool = False, threads: int | None = None) -> Backend:
    """One device of this process; `threads` is how many cores PyTorch may use."""
    if threads:
        torch.set_num_threads(threads)
    return backend_at(Place(0, 1, choose_device(device)), precision, compile)


def encoders(model: Model, images, ids) -> tuple:
    """Two functions that embed the images and the captions, as `Model.encode_image` and `Model.encode_text` do."""
    module, images, ids = module_of(model, model.params), torch.from_numpy(images), torch.from_numpy(ids)

    def encode_image():
        with torch.inference_mode():
            return module.encode_image(images).numpy()

    def encode_text():
        with torch.inference_mode():
            return module.encode_text(ids).numpy()

    return encode_image, encode_text


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
