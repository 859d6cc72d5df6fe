"""Many processes, one batch: each embeds its share of the pairs, and the loss sees all of them.

Started by torchrun, all begin alike and stop before the same step. Process r of W holds the items r gets from `shard`.
Three things must be right, and each is easy to get wrong with a loss that looks perfect: the gather must carry
gradients, the labels must be offset by the pairs of the processes before, and the mean over the processes, which
`average` takes of the gradients, must be undone exactly once.
"""

import datetime
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist

from ..errors import ConfigError, Interrupted, MiniclipError, ProcessLost, quote

TIMEOUT_SECONDS = 60  # how long a process waits for the others


@dataclass(frozen=True)
class Place:
    """Which of the processes this is, of how many, and where it computes."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the first process, which writes the run folder."""
        return self.rank == 0


def choose_device(name: str) -> torch.device:
    """cpu, cuda or mps; auto is the first of cuda, mps, cpu that is there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, found in there.items() if found)
    if not there.get(name):
        found = ", ".join(device for device, ok in there.items() if ok)
        raise ConfigError(f"the device is {quote(name)}, expected one of this machine's: {found}, or auto")
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
        dist.barrier()  # from here on anybody may end: to who is still meeting the others, one that left is lost
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"process {rank} of {size} could not meet the others: {first_line(error)}") from error
    try:
        yield Place(rank, size, where)
        last_barrier()
    except Interrupted:  # all of them, before the same step
        last_barrier()
        raise
    finally:
        dist.destroy_process_group()


def last_barrier() -> None:
    """Nobody hangs up while another still talks; whoever is gone by now had nothing left to do."""
    with suppress(RuntimeError):
        dist.barrier()


def first_line(error: Exception) -> str:
    """PyTorch's messages are long."""
    return str(error).strip().partition("\n")[0]


@contextmanager
def together():
    """A ProcessLost, in one line, where PyTorch reports that the others no longer answer."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).lower()
        signs = ("gloo", "nccl", "connection", "peer", "socket", "pipe", "timed out", "timeout")
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


def first_decides(decide, place: Place):
    """What `decide()` returns in the first process, or the error that it raises, in every process."""
    if place.size == 1:
        return decide()
    outcome: list = [None]
    if place.leads:
        try:
            outcome = [decide()]
        except MiniclipError as error:
            outcome = [error]
    with together():
        dist.broadcast_object_list(outcome, device=place.device)
    if isinstance(outcome[0], MiniclipError):
        raise outcome[0]
    return outcome[0]


def agree(signal: int, place: Place) -> int:
    """The largest signal that reached any process, or 0: all stop before the same step.

    Decided from what all processes said and nothing else: a signal that arrives meanwhile waits for the next question.
    """
    if place.size == 1:
        return signal
    number = torch.tensor(signal, device=place.device)
    with together():
        dist.all_reduce(number, dist.ReduceOp.MAX)
    return int(number)


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


def sizes_of(n: int, place: Place) -> list[int]:
    """How many items each process has."""
    if place.size == 1:
        return [n]
    mine = torch.tensor([n], device=place.device)
    everyone = [torch.empty_like(mine) for _ in range(place.size)]
    dist.all_gather(everyone, mine)
    return torch.cat(everyone).tolist()


def gather(x, sizes: list[int], place: Place):
    """The rows of all processes; their gradients find back."""
    return x if place.size == 1 else Gather.apply(x, sizes)


def average(tensors, place: Place) -> None:
    """Each tensor becomes its mean over the processes: one message for all of them."""
    if place.size > 1:
        flat = torch.cat([x.flatten() for x in tensors])
        dist.all_reduce(flat)
        flat /= place.size
        parts = flat.split([x.numel() for x in tensors])
        torch._foreach_copy_(tensors, [part.view_as(x) for part, x in zip(parts, tensors, strict=True)])
