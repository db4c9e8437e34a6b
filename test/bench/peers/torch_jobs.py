"""The engine benchmark's jobs in PyTorch, written as its users write them."""
import os
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_flush_denormal(True)
VERSIONS = {"torch": torch.__version__, "torchThreads": torch.get_num_threads()}


class LeNet(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet_steps(batch, steps):
    """Training steps with momentum, each on a batch picked from the data."""
    torch.manual_seed(1)
    model = LeNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images, labels = torch.randn(1024, 1, 28, 28), torch.randint(0, 10, (1024,))

    def run():
        order = torch.randperm(1024)
        for step in range(steps):
            picked = order[(step * batch) % 1024:][:batch]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(images[picked]), labels[picked]).backward()
            optimizer.step()

    return run


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        batch, length, width = x.shape
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in self.qkv(self.ln1(x)).split(width, 2))
        scores = q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5 + mask
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.ln2(x))))


class Gpt(nn.Module):
    def __init__(self, vocabulary, width, heads, layers, length):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Parameter(torch.randn(length, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.register_buffer("mask", torch.full((length, length), -1e4).triu(1))

    def forward(self, x):
        x = self.tokens(x) + self.positions
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x))


def gpt(kind, vocabulary, width, heads, layers, length, batch):
    torch.manual_seed(1)
    model = Gpt(vocabulary, width, heads, layers, length)
    x, labels = torch.randint(0, vocabulary, (batch, length)), torch.randint(0, vocabulary, (batch, length))
    loss = lambda: F.cross_entropy(model(x).flatten(0, 1), labels.flatten())

    def gradient():
        torch.autograd.grad(loss(), list(model.parameters()))

    def forward():
        with torch.inference_mode():
            loss()

    return gradient if kind == "gradient" else forward


def cleanse(batch):
    """Gradients of one Neural Cleanse step for mask and pattern."""
    torch.manual_seed(1)
    model = LeNet().requires_grad_(False)
    images, target = torch.rand(batch, 1, 28, 28), torch.full((batch,), 3)
    mask, pattern = torch.randn(1, 28, 28, requires_grad=True), torch.randn(1, 28, 28, requires_grad=True)

    def run():
        m, p = mask.tanh() * 0.5 + 0.5, pattern.tanh() * 0.5 + 0.5
        logits = model(images + m * (p - images))
        torch.autograd.grad(F.cross_entropy(logits, target, reduction="sum"), [mask, pattern])

    return run


class Encoder(nn.Module):
    """A classifier of texts; takes vectors, so that a search can differentiate by them."""

    def __init__(self, vocabulary, width, heads, layers, length, classes):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Parameter(torch.randn(length, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, vectors, ids):
        kept = (ids != 0).float()
        x, mask = vectors + self.positions, (1 - kept)[:, None, None, :] * -1e4
        for block in self.blocks:
            x = block(x, mask)
        return self.head((self.norm(x) * kept[..., None]).sum(1) / kept.sum(1, keepdim=True).clamp(min=1))


def gcg(steps, vocabulary, width, heads, layers, length, classes, texts, run, candidates, top):
    """Steps of greedy coordinate gradient as nanoGCG writes them: one-hot gradient, top tokens, exact evaluation."""
    torch.manual_seed(1)
    model = Encoder(vocabulary, width, heads, layers, length, classes).requires_grad_(False).eval()
    carriers = torch.randint(1, vocabulary, (texts, length))
    at = (torch.randint(0, length - run + 1, (texts,))[:, None] + torch.arange(run)).expand(texts, run)
    target = torch.zeros(texts, dtype=torch.long)
    table = model.tokens.weight

    def search():
        best = torch.randint(1, vocabulary, (run,))
        for _ in range(steps):
            one_hot = F.one_hot(best, vocabulary).to(table.dtype).requires_grad_()
            ids = carriers.scatter(1, at, best.expand(texts, run))
            vectors = model.tokens(ids).scatter(1, at[..., None].expand(-1, -1, width), (one_hot @ table).expand(texts, run, width))
            gradient = torch.autograd.grad(F.cross_entropy(model(vectors, ids), target), one_hot)[0]
            gradient[:, 0] = float("inf")
            chosen = (-gradient).topk(top, dim=1).indices
            places = torch.arange(candidates) % run
            swaps = best.repeat(candidates, 1)
            swaps[torch.arange(candidates), places] = chosen[places, torch.randint(0, top, (candidates,))]
            with torch.inference_mode():
                ids = carriers.repeat(candidates, 1).scatter(1, at.repeat(candidates, 1), swaps.repeat_interleave(texts, 0))
                losses = F.cross_entropy(model(model.tokens(ids), ids), target.repeat(candidates), reduction="none")
                best = swaps[losses.view(candidates, texts).mean(1).argmin()].clone()

    return search


class PastBlock(Block):
    def forward(self, x, past):
        """x behind as many tokens as the past holds; returns also the keys and values of all."""
        batch, length, width = x.shape
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in self.qkv(self.ln1(x)).split(width, 2))
        k, v = torch.cat([past[0].expand(batch, -1, -1, -1), k], 2), torch.cat([past[1].expand(batch, -1, -1, -1), v], 2)
        mask = torch.full((length, k.shape[2]), -1e4).triu(1 + k.shape[2] - length)
        scores = q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5 + mask
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.ln2(x)))), (k, v)


class PastGpt(nn.Module):
    """A decoder; takes vectors, so that a search can differentiate by them."""

    def __init__(self, vocabulary, width, heads, layers, length):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Parameter(torch.randn(length, width))
        self.blocks = nn.ModuleList(PastBlock(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.empty = [torch.zeros(2, 1, heads, 0, width // heads)] * layers

    def forward(self, vectors, past=None):
        past = past or self.empty
        before = past[0][0].shape[2]
        x, present = vectors + self.positions[before:before + vectors.shape[1]], []
        for block, own in zip(self.blocks, past):
            x, kept = block(x, own)
            present.append(kept)
        return self.head(self.norm(x)), present


def prompted(steps, vocabulary, width, heads, layers, length, prompt, run, payload, candidates, top):
    """Steps of nanoGCG with its prefix cache: only run and payload go through the model."""
    torch.manual_seed(1)
    model = PastGpt(vocabulary, width, heads, layers, length).requires_grad_(False).eval()
    before, target = torch.randint(0, vocabulary, (1, prompt)), torch.randint(0, vocabulary, (1, payload))
    table = model.tokens.weight

    def losses(vectors, past):
        logits, _ = model(vectors, past)
        said = logits[:, -payload - 1:-1]
        labels = target.expand(len(said), -1)
        return F.cross_entropy(said.transpose(1, 2), labels, reduction="none").mean(1)

    def search():
        with torch.inference_mode(False), torch.no_grad():
            past = model(model.tokens(before))[1]
        best = torch.randint(0, vocabulary, (run,))
        for _ in range(steps):
            one_hot = F.one_hot(best, vocabulary).to(table.dtype).requires_grad_()
            vectors = torch.cat([one_hot @ table, model.tokens(target[0])])[None]
            gradient = torch.autograd.grad(losses(vectors, past).sum(), one_hot)[0]
            chosen = (-gradient).topk(top, dim=1).indices
            places = torch.arange(candidates) % run
            swaps = best.repeat(candidates, 1)
            swaps[torch.arange(candidates), places] = chosen[places, torch.randint(0, top, (candidates,))]
            with torch.inference_mode():
                ids = torch.cat([swaps, target.expand(candidates, -1)], 1)
                best = swaps[losses(model.tokens(ids), past).argmin()].clone()

    return search


class TourCnn(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


def masks(steps, batch):
    """A whole Neural Cleanse search: ten masks and patterns as one batch, the cost of their size by the schedule."""
    torch.manual_seed(1)
    model = TourCnn().requires_grad_(False)
    images = torch.rand(128, 1, 28, 28)
    targets = torch.arange(10).repeat_interleave(batch)

    def run():
        raw = [torch.atanh(torch.rand(10, 1, 28, 28) * 1.998 - 0.999).requires_grad_() for _ in range(2)]
        optimizer = torch.optim.Adam(raw, lr=0.1, betas=(0.5, 0.9))
        cost, streak, hits = torch.full((10,), 1e-2), torch.zeros(10), torch.zeros(10)
        best = torch.full((10,), float("inf"))
        for step in range(steps):
            picked = images[torch.randint(0, len(images), (batch,))]
            mask, pattern = (x.tanh() * 0.5 + 0.5 for x in raw)
            stamped = picked[None] + mask[:, None] * (pattern[:, None] - picked[None])
            logits = model(stamped.flatten(0, 1))
            norms = mask.sum((1, 2, 3))
            loss = F.cross_entropy(logits, targets, reduction="sum") / batch + (cost * norms).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                hits += (logits.argmax(1) == targets).view(10, batch).float().mean(1) / 8
                if (step + 1) % 8 == 0:
                    works = hits >= 0.95
                    best = torch.where(works & (norms < best), norms, best)
                    streak = torch.where(works == (streak > 0), streak, torch.zeros(10)) + torch.where(works, 1.0, -1.0)
                    cost = torch.where(streak >= 2, cost * 2, torch.where(streak <= -2, cost / 2**1.5, cost))
                    streak[streak.abs() >= 2] = 0
                    hits.zero_()

    return run


def tour_cnn(folder, seed, epochs, batch, rate):
    """The tour's CNN, trained from random weights on the images in `folder`, and its accuracy on the test images."""
    load = lambda name: torch.from_numpy(numpy.load(f"{folder}/{name}.npy"))
    images, labels, test, answers = (load(name) for name in ("train", "train-labels", "test", "test-labels"))

    def run():
        start, used = time.perf_counter(), time.process_time()
        torch.manual_seed(seed)
        model = TourCnn()
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        per_epoch = len(images) // batch
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * per_epoch)
        for _ in range(epochs):
            order = torch.randperm(len(images))
            for step in range(per_epoch):
                picked = order[step * batch : (step + 1) * batch]
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(model(images[picked]), labels[picked]).backward()
                optimizer.step()
                schedule.step()
        seconds, busy = time.perf_counter() - start, time.process_time() - used
        with torch.inference_mode():
            right = (model(test).argmax(1) == answers).sum().item()
        return {"accuracy": right / len(test), "seconds": seconds, "processorSeconds": busy}

    return run


JOBS = {
    "tour_cnn": tour_cnn,
    "lenet": lenet_steps,
    "gpt": gpt,
    "cleanse": cleanse,
    "gcg": gcg, "prompted": prompted,
    "masks": masks,
}
