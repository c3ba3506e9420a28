#!/usr/bin/env python3
"""bench/peer_torch.py - the networks of bench/nets in PyTorch, timed as `clnas bench NET --json` times
them: a training step (forward, backward, optimiser) at the network's batch size, inference at 1 and 128.

    python3 bench/peer_torch.py NET [--work train|infer] [--batch N] [--seconds S] [--params]

bench/compare.sh sets the environment in which PyTorch is at its best on a CPU. Of several ways to run the
same work (eager, traced, compiled; plain and fused optimisers) the fastest counts. Prints JSON.
"""
import argparse
import json
import os
import sys
import time
import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
MAJOR = int(torch.__version__.split(".")[0])
FUSED_ATTENTION = hasattr(F, "scaled_dot_product_attention")


def conv_norm(inp, out, kernel=3, stride=1, groups=1, act=None):
    """Where "same" pads unevenly PyTorch pads evenly: other values, the same work."""
    layers = [nn.Conv2d(inp, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]
    return nn.Sequential(*layers, *([act] if act else []))


class Head(nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        self.classes = nn.Linear(width, classes)

    def forward(self, x):
        return self.classes(x.mean((2, 3)))


def cnn_small():
    relu = nn.ReLU(inplace=True)
    return nn.Sequential(conv_norm(1, 32, act=relu), conv_norm(32, 64, stride=2, act=relu), conv_norm(64, 64, act=relu),
                         conv_norm(64, 128, stride=2, act=relu), Head(128))


class Residual(nn.Module):
    def __init__(self, inp, out, stride):
        super().__init__()
        self.body = nn.Sequential(conv_norm(inp, out, stride=stride, act=nn.ReLU(inplace=True)), conv_norm(out, out))
        self.shortcut = conv_norm(inp, out, 1, stride) if inp != out else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x).add_(self.shortcut(x)), inplace=True)


def resnet20():
    blocks = [conv_norm(3, 16, act=nn.ReLU(inplace=True))]
    inp = 16
    for out in (16, 32, 64):
        for i in range(3):
            blocks.append(Residual(inp, out, 2 if i == 0 and out > 16 else 1))
            inp = out
    return nn.Sequential(*blocks, Head(64))


class Bottleneck(nn.Module):
    def __init__(self, inp, out, expand, stride, se=0.25):
        super().__init__()
        act, mid = nn.ReLU6(inplace=True), inp * expand
        self.expand = conv_norm(inp, mid, 1, act=act) if mid != inp else nn.Identity()
        self.depthwise = conv_norm(mid, mid, 3, stride, groups=mid, act=act)
        width = max(8, int(se * mid + 4) // 8 * 8)
        width += 8 if width < 0.9 * se * mid else 0
        self.squeeze, self.excite = nn.Linear(mid, width), nn.Linear(width, mid)
        self.project = conv_norm(mid, out, 1)
        self.skip = stride == 1 and inp == out

    def forward(self, x):
        y = self.depthwise(self.expand(x))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3))))))
        y = self.project(y * gate[:, :, None, None])
        return y + x if self.skip else y


def mobilenetv2():
    act, blocks, inp = nn.ReLU6(inplace=True), [], 16
    for out, expand, repeat, stride in ((16, 1, 1, 1), (24, 6, 2, 1), (32, 6, 2, 2), (64, 6, 2, 2), (96, 6, 1, 1)):
        for i in range(repeat):
            blocks.append(Bottleneck(inp, out, expand, stride if i == 0 else 1))
            inp = out
    return nn.Sequential(conv_norm(3, 16, act=act), *blocks, conv_norm(inp, 256, 1, act=act), Head(256))


class Edge(nn.Module):
    """ReLU, convolution, batch norm."""
    def __init__(self, inp, out, stride=1):
        super().__init__()
        self.conv = conv_norm(inp, out, 3, stride)

    def forward(self, x):
        return self.conv(F.relu(x))


class Cell201(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.edges = nn.ModuleList([Edge(c, c) for _ in range(6)])

    def forward(self, x):
        e = self.edges
        a = e[0](x)
        b = e[1](x) + e[2](a)
        return e[3](x) + e[4](a) + e[5](b)


class Reduce201(nn.Module):
    def __init__(self, inp, out):
        super().__init__()
        self.body = nn.Sequential(Edge(inp, out, 2), Edge(out, out))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inp, out, 1, bias=False))

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def nb201():
    return nn.Sequential(conv_norm(3, 16), Cell201(16), Reduce201(16, 32), Cell201(32), Reduce201(32, 64), Cell201(64),
                         nn.BatchNorm2d(64), nn.ReLU(inplace=True), Head(64))


class Encoder(nn.Module):
    """Pre-norm; GELU in the form with tanh, which clnas has and which is the faster one here."""
    def __init__(self, dim, heads, mlp):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.norm1, self.norm2 = nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6)
        self.qkv, self.project = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.wide, self.narrow = nn.Linear(dim, mlp * dim), nn.Linear(mlp * dim, dim)

    def attend(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if FUSED_ATTENTION:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax((q * self.scale) @ k.transpose(-2, -1), -1) @ v
        return self.project(y.transpose(1, 2).reshape(n, t, d))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x)), approximate="tanh"))


class ViT(nn.Module):
    def __init__(self, channels, side, patch, dim, depth, heads, mlp, token):
        super().__init__()
        self.patch = nn.Conv2d(channels, dim, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, dim)) if token else None
        self.pos = nn.Parameter(torch.zeros(1, (side // patch) ** 2 + int(token), dim))
        self.blocks = nn.Sequential(*[Encoder(dim, heads, mlp) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim, 1e-6), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat((self.token.expand(x.shape[0], -1, -1), x), 1)
        x = self.norm(self.blocks(x + self.pos))
        return self.head(x[:, 0] if self.token is not None else x.mean(1))


NETS = {  # how to build it, an image, batch of a training step, optimiser
    "cnn-small": (cnn_small, (1, 28, 28), 128, "sgd"),
    "vit-small": (lambda: ViT(1, 28, 4, 64, 6, 4, 2, False), (1, 28, 28), 128, "adamw"),
    "resnet20": (resnet20, (3, 32, 32), 128, "sgd"),
    "mobilenetv2": (mobilenetv2, (3, 32, 32), 128, "sgd"),
    "deit-tiny-64": (lambda: ViT(3, 64, 8, 192, 12, 3, 4, True), (3, 64, 64), 32, "adamw"),
    "nb201": (nb201, (3, 32, 32), 128, "sgd"),
}


def median_seconds(run, seconds, warm_up=2, least=7):
    for _ in range(warm_up):
        run()
    times, begin = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def optimizers(kind, params):
    """One for each way this version has; the last ones are the fastest where they exist."""
    for how in ({}, {"foreach": True}, {"fused": True}):
        try:
            if kind == "sgd":
                yield torch.optim.SGD(params, 1e-4, momentum=0.9, weight_decay=1e-4, **how), how
            else:
                yield torch.optim.AdamW(params, 1e-4, **how), how
        except (TypeError, RuntimeError):
            pass


def ready(build, image, batch):
    model = build().to(memory_format=torch.channels_last)
    x = torch.randn(batch, *image).contiguous(memory_format=torch.channels_last)
    return model, x


def best(ways):
    """ways: (name, function that returns seconds). One that fails is none."""
    found = {}
    for name, measure in ways:
        try:
            found[name] = measure()
        except Exception as e:  # of whatever kind a compiler throws
            print(f"peer: {name}: {type(e).__name__}: {str(e).splitlines()[0][:100]}", file=sys.stderr)
    name = min(found, key=found.get)
    return found[name], name


def time_training(build, image, batch, kind, seconds):
    labels = torch.arange(batch) % 10

    def measure(how, compiled):
        model, x = ready(build, image, batch)
        model.train()
        step = torch.compile(model) if compiled else model
        optimizer = dict((str(h), o) for o, h in optimizers(kind, list(model.parameters())))[how]

        def run():
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(step(x), labels).backward()
            optimizer.step()
        return median_seconds(run, seconds)

    hows = [str(h) for _, h in optimizers(kind, [nn.Parameter(torch.zeros(1))])]
    ways = [(f"eager {h}", lambda h=h: measure(h, False)) for h in hows]
    if MAJOR >= 2:
        ways.append((f"compiled {hows[-1]}", lambda: measure(hows[-1], True)))
    return best(ways)


def time_inference(build, image, batch, seconds):
    def measure(way):
        model, x = ready(build, image, batch)
        model.eval()
        with torch.inference_mode() if way != "compiled" else torch.no_grad():
            if way == "traced":
                model = torch.jit.optimize_for_inference(torch.jit.trace(model, x))
            elif way == "compiled":
                model = torch.compile(model)
            return median_seconds(lambda: model(x), seconds, warm_up=4)

    ways = ["eager", "traced"] + (["compiled"] if MAJOR >= 2 else [])
    return best([(w, lambda w=w: measure(w)) for w in ways])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("net", choices=sorted(NETS))
    p.add_argument("--work", choices=("train", "infer"))
    p.add_argument("--batch", type=int, help="instead of the network's own (training), 1 and 128 (inference)")
    p.add_argument("--seconds", type=float, default=0.7, help="of each measurement, at least (default 0.7)")
    p.add_argument("--params", action="store_true", help="only print how many parameters the network has")
    a = p.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    build, image, batch, kind = NETS[a.net]
    if a.params:
        print(sum(t.numel() for t in build().parameters()))
        return
    rows = []

    def add(work, n, result):
        rows.append({"name": a.net, "work": work, "batch": n, "seconds": result[0], "images_per_s": n / result[0],
                     "way": result[1]})

    if a.work != "infer":
        n = a.batch or batch
        add("train", n, time_training(build, image, n, kind, a.seconds))
    if a.work != "train":
        for n in [a.batch] if a.batch else [1, 128]:
            add("infer", n, time_inference(build, image, n, a.seconds))
    print(json.dumps({"peer": "torch " + torch.__version__, "threads": torch.get_num_threads(), "rows": rows}))


if __name__ == "__main__":
    main()
