"""What can be minimised, in PyTorch: the functions of `miniclip.train.objectives`, under their names.

They have the same arguments, too: a module stands for the parameters, and knows the `config`. Each computes a loss,
sends it back, and returns (loss, no trees, metrics): autograd leaves the gradients in the module's
parameters, where they add up. Under torchrun each process has some of the items. Its loss is weighted so that the mean
over the processes, which the learner takes of losses and gradients alike, is the loss of all items.
"""

import numpy as np
import torch
import torch.distributed as dist
from torch.nn import functional as F

from ..data.prompts import Texts
from ..machine.threads import parts
from ..models.text import end_positions, longest
from ..nn.decoder_ops import IGNORE
from .distributed import Place
from .losses import contrastive_loss


class Objectives:
    """See the module's docstring.

    Parameters
    ----------
    place : Place
    precision : "fp32" or "bf16"
        bf16: forwards in bfloat16 where PyTorch thinks it safe (autocast); losses in float32.
    """

    def __init__(self, place: Place, precision: str = "fp32"):
        self.place, self.precision = place, precision

    def forward(self, module, name: str, *arrays):
        """The module's forward of this name, on its device, in our precision; results in the dtype of its weights."""
        dtype = next(module.parameters()).dtype
        with torch.autocast(self.place.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            found = getattr(module, name)(*(self.tensor(array, dtype) for array in arrays))
        return tuple(x.to(dtype) for x in found) if isinstance(found, tuple) else found.to(dtype)

    def tensor(self, array, dtype=None):
        """An array, or a tensor, on the device; floats in the given dtype."""
        x = torch.as_tensor(array)
        return x.to(self.place.device, dtype if x.is_floating_point() else None)

    def weight(self, n: int) -> float:
        """What a sum over this process's n items must be multiplied with, so that the mean over processes is theirs."""
        if self.place.size == 1:
            return 1.0 / max(n, 1)
        total = torch.tensor(float(n), device=self.place.device)
        dist.all_reduce(total)
        return self.place.size / max(float(total), 1.0)

    def back(self, loss, metrics=None):
        """Gradients of the loss into the parameters; what an objective returns."""
        if loss.requires_grad:
            loss.backward()
        return loss.detach(), [], metrics or {}

    def contrast(self, images, ids, module, config, replay: int = 0, loss: str = "info_nce", groups=None):
        """Every process's pairs against those of all."""
        groups = None if groups is None else self.tensor(groups)
        ids = ids[:, : longest(end_positions(ids, config.text.eos_token_id))]
        if replay:
            return self.replayed(self.tensor(images), self.tensor(ids), module, replay, loss, groups)
        image = self.forward(module, "encode_image", images)
        text = self.forward(module, "encode_text", ids)
        return self.back(*contrastive_loss(image, text, module, self.place, loss, groups))

    def replayed(self, images, ids, module, part: int, loss: str, groups):
        """As `miniclip.train.step.replayed`: embed all parts, then each again for its gradient."""
        rows_of_parts = parts(len(images), part)

        def embed(rows):
            return (self.forward(module, "encode_image", images[rows]),
                    self.forward(module, "encode_text", ids[rows]))  # fmt: skip

        with torch.no_grad():
            embeddings = [embed(rows) for rows in rows_of_parts]
        image, text = (torch.cat(half).requires_grad_() for half in zip(*embeddings, strict=True))
        value, metrics = contrastive_loss(image, text, module, self.place, loss, groups)
        found = self.back(value, metrics)
        upstream: list = [image.grad, text.grad]
        for rows in rows_of_parts:
            torch.autograd.backward(embed(rows), [dx[rows] for dx in upstream])
        return found

    def word_loss(self, logits, texts: Texts):
        """The mean surprise at the scored words of all processes; this one's part of it."""
        targets = self.tensor(texts.targets)
        surprise = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="sum")
        return self.weight(texts.scored) * surprise

    def captioning(self, images, texts: Texts, module, config, frozen: bool = False):
        """The next word of each text, given its picture. Frozen parameters need no word here: they get no gradient."""
        return self.back(self.word_loss(self.forward(module, "caption", images, texts.ids), texts))

    def coca(self, images, ids, texts: Texts, module, config):
        """Contrast and captions, one pass through the trunk for both."""
        image, logits = self.forward(module, "coca", images, texts.ids)
        text = self.forward(module, "encode_text", ids[:, : longest(end_positions(ids, config.clip.text.eos_token_id))])
        loss, metrics = contrastive_loss(image, text, module, self.place)
        words = self.word_loss(logits, texts)
        return self.back(loss + words, metrics | {"words": words.detach()})

    def language(self, texts: Texts, module, config):
        """The next word of each text, given nothing else."""
        return self.back(self.word_loss(self.forward(module, "language", texts.ids), texts))

    def bridging(self, images, texts: Texts, module, config):
        """The next word of each text, given what a bridge shows of the picture."""
        return self.back(self.word_loss(self.forward(module, "bridged", images, texts.ids), texts))

    def alignment(self, images, ids, module, config):
        """(prefix - E[ids])^2 / E^2, means of all numbers."""
        words = module.decoder.token_embedding.weight.detach()
        error = (self.forward(module, "prefix", images) - words[self.tensor(ids)]).square().sum()
        return self.back(self.weight(np.size(ids)) * error / (words.square().mean() * words.shape[1]))

    def matching(self, images, ids, truth, module, config):
        """Does text b belong to picture b?"""
        end_positions(ids, config.clip.text.eos_token_id)  # refuses a text without an end: the module looks for none
        logits = self.forward(module, "forward", images, ids)
        surprise = F.binary_cross_entropy_with_logits(logits, self.tensor(truth).to(logits.dtype), reduction="sum")
        return self.back(self.weight(len(truth)) * surprise)
