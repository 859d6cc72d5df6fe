"""Many processes, one batch: each embeds its share of the pairs, and the loss sees all of them.

Started by torchrun, process r of W holds the pairs r gets from `shard`. Three things must be right, and each is easy to
get wrong with a loss that looks perfect: the gather must carry gradients, the labels must be offset by the pairs of the
processes before, and the mean that DistributedDataParallel takes must be undone exactly once.
"""

import datetime
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist

from ..errors import ConfigError, ProcessLost
from ..files.state import Interrupted
from .models import contrast

TIMEOUT_SECONDS = 60  # how long a process waits for the others


@dataclass(frozen=True)
class Place:
    """Which of the processes this is, of how many, and where it computes."""

    rank: int
    size: int
    device: torch.device


def choose_device(name: str) -> torch.device:
    """cpu, cuda or mps; auto is the first of cuda, mps, cpu that is there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, found in there.items() if found)
    if not there.get(name):
        found = ", ".join(device for device, ok in there.items() if ok)
        raise ConfigError(f"the device is {name!r}, expected one of this machine's: {found}, or auto")
    return torch.device(name)


@contextmanager
def processes(device: str):
    """This process's Place. Under torchrun it first meets the others, and leaves them at the end."""
    where = choose_device(device)
    if "WORLD_SIZE" not in os.environ:
        yield Place(0, 1, where)
        return
    try:
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError) as error:
        raise ConfigError(f"WORLD_SIZE is set, RANK is not right ({error}): start the run with torchrun") from error
    if not 0 <= rank < size:
        raise ConfigError(f"RANK is {rank}, expected 0 to {size - 1}: start the processes with torchrun")
    if where.type == "cuda":
        where = torch.device("cuda", int(os.environ.get("LOCAL_RANK", rank)))
        torch.cuda.set_device(where)
    wait = datetime.timedelta(seconds=TIMEOUT_SECONDS)
    try:
        dist.init_process_group("nccl" if where.type == "cuda" else "gloo", timeout=wait)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"process {rank} of {size} could not meet the others: {first_line(error)}") from error
    try:
        yield Place(rank, size, where)
        say_goodbye()
    except Interrupted:  # all of them, before the same step
        say_goodbye()
        raise
    finally:
        dist.destroy_process_group()


def say_goodbye() -> None:
    """Nobody hangs up while another still talks; whoever is gone by now had nothing left to do."""
    with suppress(RuntimeError):
        dist.barrier()


def leave(code: int) -> None:
    """End this process without Python's shutdown: Gloo's threads may outlive their group, and would abort it.

    Source: github.com/pytorch/pytorch/pull/179291.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def first_line(error: Exception) -> str:
    """PyTorch's messages are long."""
    return str(error).strip().partition("\n")[0]


@contextmanager
def together():
    """A ProcessLost, in one line, where PyTorch reports that the others no longer answer."""
    try:
        yield
    except RuntimeError as error:
        said, signs = (
            str(error).lower(),
            ("gloo", "nccl", "connection", "peer", "socket", "pipe", "timed out", "timeout"),
        )
        if not isinstance(error, dist.DistError) and not any(word in said for word in signs):
            raise  # a fault of this process itself, such as no memory
        raise ProcessLost(
            f"another process of this run has ended or hangs ({first_line(error)[:100]}): see what it says; what was "
            "saved is intact, start all of them again with --resume"
        ) from error


def require_same(what: dict[str, str]) -> None:
    """ConfigError in every process unless all of them were started with the same `what`."""
    everyone: list = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, what)
    odd = [key for key in what if any(other[key] != everyone[0][key] for other in everyone)]
    if odd:
        ranks = [rank for rank, other in enumerate(everyone) if other != everyone[0]]
        raise ConfigError(f"processes {ranks} and process 0 differ in {', '.join(odd)}: start all of them alike")


def shard(indices, rank: int, size: int):
    """This process's run of the items: every item is in one process, and shares differ by at most one."""
    return np.array_split(indices, size)[rank]


class Gather(torch.autograd.Function):
    """y = [x_0; x_1; ...; x_W-1],  dx_r = the rows of r in the sum of dy over all processes.

    Every process uses every embedding, so each has a part of its gradient: they must be added before they go back.
    `dist.all_gather` alone has no gradient; keeping one's own rows alive instead loses the parts of the others.
    """

    @staticmethod
    def forward(ctx, x, sizes):
        ctx.sizes = sizes
        rows = x.new_zeros(max(sizes), *x.shape[1:])  # all_gather wants equal shares: pad, and cut again
        rows[: len(x)] = x
        everyone = [torch.empty_like(rows) for _ in sizes]
        dist.all_gather(everyone, rows)
        return torch.cat([part[:n] for part, n in zip(everyone, sizes, strict=True)])

    @staticmethod
    def backward(ctx, dy):
        dy = dy.clone(memory_format=torch.contiguous_format)  # transposed, it would be added up in the wrong order
        dist.all_reduce(dy)
        return dy.split(ctx.sizes)[dist.get_rank()], None


def gathered_info_nce(image, text, logit_scale, sizes, local: bool = True):
    """(loss, right) of all processes' pairs: their means over the processes, as DDP takes them, are those of one.

    image, text (b, E) of this process; sizes: how many pairs each process has; local: this process computes only its
    own rows of the logits, (b, B) instead of (B, B), which is what makes many processes worth while.
    """
    images, texts = Gather.apply(image, sizes), Gather.apply(text, sizes)
    B, rank = len(images), dist.get_rank()
    if not local:
        image, text, first, share = images, texts, 0, 1.0
    else:
        first, share = sum(sizes[:rank]), len(sizes) * len(image) / B  # shares may differ: weigh this one's mean
    scale = logit_scale.exp()
    truth = first + torch.arange(len(image), device=image.device)  # this process's pairs begin at `first`
    rows, columns = scale * image @ texts.T, scale * text @ images.T
    loss, right = contrast(rows, columns, truth)
    return share * loss, share * right
