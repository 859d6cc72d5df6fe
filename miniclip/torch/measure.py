"""What `miniclip bench` measures of PyTorch."""

from dataclasses import replace
from functools import partial

import torch
from torch.nn import functional as F

from ..model import Model
from ..models.text import end_positions, longest
from ..train.backend import Backend
from .distributed import Place, choose_device
from .learner import TorchLearner, backend_at
from .losses import contrastive_loss
from .models import Clip, from_params
from .objectives import Objectives


class PlainClip(Clip):
    """CLIP as most people would write it: every token goes through every block, and then one of them is read."""

    def encode_image(self, images):
        return F.normalize(self.visual.head(self.visual.trunk(images)[:, 0]), dim=-1)

    def encode_text(self, ids):
        x = self.text.trunk(ids)
        end = (ids == self.text.eos_token_id).int().argmax(1)
        return F.normalize(self.text.text_projection(x[torch.arange(len(x)), end]), dim=-1)


class PlainObjectives(Objectives):
    """All captions as long as the context is."""

    def contrast(self, images, ids, module, config, replay: int = 0, loss: str = "info_nce", groups=None):
        """See `Objectives.contrast`."""
        image, text = self.forward(module, "encode_image", images), self.forward(module, "encode_text", ids)
        return self.back(*contrastive_loss(image, text, module, self.place, loss, groups))


class PlainLearner(TorchLearner):
    """Trains a `PlainClip`."""

    @staticmethod
    def module_of(model, params):
        """See `learner.module_of`."""
        return from_params(params, model.config, PlainClip)


def local_backend(device: str, precision: str = "fp32", compile: bool = False, plain: bool = False,
                  threads: int | None = None) -> Backend:  # fmt: skip
    """One device of this process; plain: without our algorithm; threads: how many cores PyTorch may use."""
    if threads:
        torch.set_num_threads(threads)
    place = Place(0, 1, choose_device(device))
    found = backend_at(place, precision, compile)
    if not plain:
        return found
    learner = partial(PlainLearner, place=place, compile=compile)
    return replace(found, objectives=PlainObjectives(place, precision), learner=learner)


def encoders(model: Model, images, ids, plain: bool) -> tuple:
    """Two functions that embed the images and the captions, as `Model.encode_image` and `Model.encode_text` do."""
    module = (PlainLearner if plain else TorchLearner).module_of(model, model.params)
    images, ids = torch.from_numpy(images), torch.from_numpy(ids)
    if not plain:
        ids = ids[:, : longest(end_positions(ids.numpy(), model.config.text.eos_token_id))]

    def encode_image():
        with torch.inference_mode():
            return module.encode_image(images).numpy()

    def encode_text():
        with torch.inference_mode():
            return module.encode_text(ids).numpy()

    return encode_image, encode_text


def transformers_jobs(config: dict, threads: int):
    """`miniclip.app.measure_clip.numpy_jobs` with `transformers.CLIPModel`, random weights as well."""
    from transformers import CLIPConfig, CLIPModel

    torch.set_num_threads(threads)
    module = CLIPModel(CLIPConfig(**config))

    def image(pixels):
        return F.normalize(module.visual_projection(module.vision_model(pixels).pooler_output), dim=-1)

    def text(ids):
        return F.normalize(module.text_projection(module.text_model(ids).pooler_output), dim=-1)

    def forward(encode):
        with torch.inference_mode():
            return encode().numpy()

    def both(encode, upstream):
        module.zero_grad()
        (encode() * upstream).sum().backward()

    def jobs(images, ids, upstream):
        pixels, upstream = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(upstream)
        see, read = partial(image, pixels), partial(text, torch.from_numpy(ids))
        return {
            "image_forward": partial(forward, see), "text_forward": partial(forward, read),
            "image_both": partial(both, see, upstream), "text_both": partial(both, read, upstream),
        }  # fmt: skip

    return jobs


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
