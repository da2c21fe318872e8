#!/usr/bin/env python3
"""The model, loss and optimiser step of spec/model.md in PyTorch and in JAX.

  peers.py serve PEER --config FILE --threads N    timing, for bench.py; PEER: see PEERS
  peers.py check AFTER [--before BEFORE] [--metrics FILE]
                                                   an independent check of training itself

`serve` answers each line of its input with one line: "train L K" and "eval L K" with the seconds that
K steps or evaluations of length L took (the first of a length compiles: ask for it once before
timing), "loss S" with the loss and the gradient's norm of training step S at the initial parameters.

`check` takes the checkpoint AFTER of `eer train`, repeats every step from BEFORE (or from the initial
parameters) in double, with its own random numbers, autograd and AdamW, and compares parameters,
moments and the logged losses.
"""
import argparse
import json
import math
import os
import sys
import time

import numpy as np

# ---- configuration, parameters, task (spec/config.h, layout.h, random.h) ----


def parse_config(text):
    """'key = value' lines with every key, as --print-config prints them; numbers become numbers."""
    config = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line:
            key, value = (part.strip() for part in line.split("=", 1))
            try:
                config[key] = int(value)
            except ValueError:
                try:
                    config[key] = float(value)
                except ValueError:
                    config[key] = value
    return argparse.Namespace(**config)


def shapes(c):
    """Name and shape of every tensor, in the order of enum eer_tensor; absent ones as None."""
    norm, mlp = c.norm != "none", c.mlp > 0
    d, m, vector = c.d, c.mlp, (1, c.d)
    return [
        ("embedding", (c.vocab + c.bos, d)), ("W_Q", (d, d)), ("W_K", (d, d)), ("W_V", (d, d)),
        ("ln1.gain", vector if norm else None), ("ln1.bias", vector if norm else None),
        ("ln2.gain", vector if norm and mlp else None),
        ("ln2.bias", vector if norm and mlp else None),
        ("W_1", (d, m) if mlp else None), ("b_1", (1, m) if mlp else None),
        ("W_2", (m, d) if mlp else None), ("b_2", vector if mlp else None),
        ("lnf.gain", vector if c.final_norm else None),
        ("lnf.bias", vector if c.final_norm else None),
        ("W_O", (d, c.vocab + 1)), ("b_O", (1, c.vocab + 1)),
    ]


def philox(seed, purpose, step, sequence, position):
    """Philox4x32-10 at broadcast counters: an array of the counters' shape by 4, as uint64."""
    low = np.uint64(0xFFFFFFFF)
    w = [np.asarray(x).astype(np.uint64) for x in (purpose, step, sequence, position)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * w[0], np.uint64(0xCD9E8D57) * w[2]
        w = [(b >> np.uint64(32)) ^ w[1] ^ np.uint64(k0), b & low,
             (a >> np.uint64(32)) ^ w[3] ^ np.uint64(k1), a & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(np.broadcast_arrays(*w), -1)


INIT, LENGTH, TRAIN = 0, 1, 2


def initial(c):
    """The initial parameters, by name, each rounded to float (model.md, 3.6)."""
    theta = {}
    for tensor, (name, shape) in enumerate(shapes(c)):
        if shape is None:
            continue
        w = philox(c.seed, INIT, tensor, 0, np.arange(shape[0] * shape[1]))
        u = ((w >> np.uint64(8)).astype(float) + 0.5) / 2**24
        if name == "embedding":
            value = np.sqrt(-2 * np.log(u[:, 0])) * np.cos(2 * np.pi * u[:, 1])
        elif name.startswith("W_"):
            value = (2 * u[:, 0] - 1) / math.sqrt(shape[0])
        else:
            value = np.full(len(u), 1.0 if name.endswith("gain") else 0.0)
        theta[name] = value.astype(np.float32).astype(np.float64).reshape(shape)
    return theta


def draw(c, step):
    """Tokens and labels (B x L) of a training step, by the definitions and nothing clever."""
    w = int(philox(c.seed, LENGTH, step, 0, 0)[0])
    L = c.length_min + (w * (c.length_max - c.length_min + 1) >> 32)
    w = philox(c.seed, TRAIN, step, np.arange(c.batch)[:, None], np.arange(L)[None])[..., 0]
    tokens = (w * np.uint64(c.vocab) >> np.uint64(32)).astype(np.int64)
    if c.generator == "never-repeat":
        jump = 1 + (w * np.uint64(c.vocab - 1) >> np.uint64(32)).astype(np.int64)
        for i in range(1, L):
            tokens[:, i] = (tokens[:, i - 1] + jump[:, i]) % c.vocab
    labels = np.full((c.batch, L), c.vocab)
    for b in range(c.batch):
        for i in range(L):
            for j in range(i):
                if tokens[b, j] == tokens[b, i]:
                    labels[b, i] = tokens[b, j + 1]
    if c.form == "last":
        labels[:, :-1] = -1
    return tokens, labels


def loss_weights(c, step):
    x = (step - 1) / (c.steps - 1) if c.steps > 1 else 0.0
    f = c.lambda_final
    factor = {"constant": 1.0, "linear": 1 - (1 - f) * x,
              "cosine": f + (1 - f) * (1 + math.cos(math.pi * x)) / 2}[c.lambda_schedule]
    return tuple(factor * value for value in (c.lambda_P, c.lambda_K, c.lambda_S))


def learning_rate(c, step):
    if step <= c.warmup:
        return c.lr * step / c.warmup
    x = (step - 1 - c.warmup) / (c.steps - c.warmup)
    return c.lr * {"constant": 1.0, "linear": 1 - x,
                   "cosine": (1 + math.cos(math.pi * x)) / 2}[c.lr_schedule]


def position_encoding(c, N):
    angle = np.arange(N)[:, None] / 10000 ** (np.arange(0, c.d, 2) / c.d)
    return c.pe_scale * np.stack([np.sin(angle), np.cos(angle)], -1).reshape(N, c.d)


def score_bias(c, N):
    """N x N: the recency bias, and minus infinity where a key is not seen."""
    gap = np.arange(N)[:, None] - np.arange(N)[None]
    bias = -c.slope * np.abs(gap)
    return np.where(gap < 0, -np.inf, bias) if c.mask == "causal" else bias


# ---- PyTorch ----


class Torch:
    """Eager; `compiled`: one iteration of the loop, or the whole loss, through torch.compile."""

    def __init__(self, c, threads, compiled=None, dtype="float32"):
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(c.seed)
        self.torch, self.c, self.dtype = torch, c, getattr(torch, dtype)
        self.put(initial(c))
        # fused: AdamW's one-kernel form. Decoupled decay of every parameter, as in the specification.
        self.adamw = torch.optim.AdamW(list(self.theta.values()), lr=c.lr, betas=(c.beta1, c.beta2),
                                       eps=c.epsilon, weight_decay=c.weight_decay, fused=True)
        self.constants = {}
        self.weights = loss_weights(c, 1)
        if compiled == "block":
            self.iteration = torch.compile(self.iteration, dynamic=False)
            self.iteration_eval = torch.compile(self.iteration_eval, dynamic=False)
        elif compiled == "whole":
            self.terms = torch.compile(self.terms, dynamic=False)
            self.iteration_eval = torch.compile(self.iteration_eval, dynamic=False)

    def put(self, theta):
        torch = self.torch
        self.theta = {name: torch.as_tensor(x, dtype=self.dtype).clone().requires_grad_()
                      for name, x in theta.items()}

    def tables(self, L):
        """What depends on the length alone: position encoding and score bias."""
        if L not in self.constants:
            self.constants[L] = tuple(self.torch.tensor(f(self.c, L + self.c.bos), dtype=self.dtype)
                                      for f in (position_encoding, score_bias))
        return self.constants[L]

    def norm(self, x, name):
        p = self.theta
        return self.torch.nn.functional.layer_norm(x, (self.c.d,), p[name + ".gain"][0],
                                                   p[name + ".bias"][0], 1e-5)

    def mlp(self, x):
        p, torch = self.theta, self.torch
        a = torch.matmul(x, p["W_1"]) + p["b_1"]
        a = torch.nn.functional.gelu(a) if self.c.activation == "gelu" else torch.relu(a)
        return torch.matmul(a, p["W_2"]) + p["b_2"]

    def block(self, Z, X, attend):
        c = self.c
        if c.norm == "pre":
            Z = Z + attend(self.norm(Z + X, "ln1"))
            return Z + self.mlp(self.norm(Z + X, "ln2")) if c.mlp else Z
        Z = Z + attend(Z + X)
        if c.norm == "post":
            Z = self.norm(Z, "ln1")
        if c.mlp:
            Z = Z + self.mlp(Z + X)
            if c.norm == "post":
                Z = self.norm(Z, "ln2")
        return Z

    def qkv(self, Y, W):
        scale = 1 / (self.c.tau * math.sqrt(self.c.d))
        q, k, v = self.torch.matmul(Y, W).split(self.c.d, -1)
        return q * scale, k, v

    def iteration(self, Z, X, W, bias):
        """One pass: the new state, and the potential and entropy of every row."""
        torch, q_index, rows = self.torch, self.c.q, []

        def attend(Y):
            q, k, v = self.qkv(Y, W)
            s = torch.baddbmm(bias, q, k.transpose(1, 2))
            p = torch.softmax(s, -1)
            power = p * p if q_index == 2 else p.pow(q_index)
            rows.append(-torch.log(p.max(-1).values))
            rows.append((1 - power.sum(-1)) / (q_index - 1))
            return torch.bmm(p, v)

        return (self.block(Z, X, attend), *rows)

    def iteration_eval(self, Z, X, W, bias):
        """The same without loss terms: free to use the library's own memory-saving attention."""
        def attend(Y):
            q, k, v = (y.unsqueeze(1) for y in self.qkv(Y, W))
            return self.torch.nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=bias, scale=1.0).squeeze(1)

        return self.block(Z, X, attend)

    def start(self, tokens, position):
        c, p, torch = self.c, self.theta, self.torch
        if c.bos:
            tokens = torch.nn.functional.pad(tokens, (1, 0), value=c.vocab)
        X = p["embedding"][tokens]
        if c.pe_scale:
            X = X + position
        W = torch.cat([p["W_Q"], p["W_K"], p["W_V"]], 1)
        return X, W

    def logits(self, Z):
        c, p = self.c, self.theta
        h = self.norm(Z, "lnf") if c.final_norm else Z
        return self.torch.matmul(h[:, c.bos:], p["W_O"]) + p["b_O"]

    def terms(self, tokens, labels, weights, position, bias):
        """total, task, potential, kinetic, entropy, penalty (model.md, 4)."""
        torch, c = self.torch, self.c
        X, W = self.start(tokens, position)
        Z, potential, entropy, path = torch.zeros_like(X), 0, 0, 0
        for _ in range(c.loops):
            before = Z
            Z, P, S = self.iteration(Z, X, W, bias)
            potential, entropy = potential + P, entropy + S
            if c.kinetic == "path":
                path = path + (Z - before).square().sum()
        rows = X.shape[0] * X.shape[1]
        kinetic = {
            "norm": lambda: Z.norm(dim=-1).sum() / (2 * rows),
            "squared": lambda: Z.square().sum() / (2 * rows),
            "path": lambda: path / (2 * rows * c.loops),
            "frobenius": lambda: Z.norm(dim=(1, 2)).sum() / (2 * X.shape[0]),
        }[c.kinetic]()
        task = torch.nn.functional.cross_entropy(self.logits(Z).reshape(-1, c.vocab + 1),
                                                 labels.reshape(-1), ignore_index=-1)
        potential = potential.mean() / c.loops
        penalty = (entropy / c.loops - c.eta).abs().mean()
        P, K, S = weights
        total = task + P * potential + K * kinetic + S * penalty
        return total, task, potential, kinetic, entropy.mean() / c.loops, penalty

    def gradient(self, tokens, labels, weights):
        for value in self.theta.values():
            value.grad = None
        terms = self.terms(tokens, labels, weights, *self.tables(tokens.shape[1]))
        terms[0].backward()
        return terms

    def update(self):
        if self.c.clip:  # clip_grad_norm_ would add 1e-6 to the norm
            gradients = [p.grad for p in self.theta.values()]
            norm = self.torch.nn.utils.get_total_norm(gradients)
            if norm > self.c.clip:
                self.torch._foreach_mul_(gradients, self.c.clip / norm)
        self.adamw.step()

    def loss(self, step):
        tokens, labels = (self.torch.tensor(x) for x in draw(self.c, step))
        total = self.gradient(tokens, labels, loss_weights(self.c, step))[0].item()
        return total, math.sqrt(sum(p.grad.square().sum().item() for p in self.theta.values()))

    def batch(self, L, sequences):
        """Random sequences and their labels, for timing: iid tokens from the library's generator."""
        torch, c = self.torch, self.c
        x = torch.randint(c.vocab, (sequences, L))
        place = torch.arange(1, L + 1)[:, None] * torch.nn.functional.one_hot(x, c.vocab)
        seen = torch.nn.functional.pad(place.cummax(1).values[:, :-1], (0, 0, 1, 0))
        after = seen.gather(2, x[..., None])[..., 0]
        return x, torch.where(after > 0, x.gather(1, after), c.vocab)

    def train(self, L, count):
        for _ in range(count):
            total = self.gradient(*self.batch(L, self.c.batch), self.weights)[0]
            self.update()
        total.item()

    def evaluate(self, L, count):
        torch = self.torch
        with torch.inference_mode():
            for _ in range(count):
                tokens, labels = self.batch(L, self.c.eval_sequences)
                position, bias = self.tables(L)
                X, W = self.start(tokens, position)
                Z = torch.zeros_like(X)
                for _ in range(self.c.loops):
                    Z = self.iteration_eval(Z, X, W, bias)
                (self.logits(Z).argmax(-1) == labels).float().mean().item()


# ---- JAX ----


class Jax:
    """The whole step under one jit: batch, gradient, AdamW; one compilation for each length. An
    unrolled loop over the iterations was tried: no faster, and three times as long to compile."""

    def __init__(self, c):
        import jax

        self.jax, self.c = jax, c
        self.power_sum = jax.custom_vjp(lambda p: self.power_sum_forward(p)[0])
        self.power_sum.defvjp(self.power_sum_forward, lambda r, g: (c.q * r * g[..., None],))
        self.theta = jax.tree.map(jax.numpy.float32, initial(c))
        zero = jax.tree.map(jax.numpy.zeros_like, self.theta)
        self.state = (self.theta, zero, jax.tree.map(jax.numpy.zeros_like, zero),
                      jax.numpy.float32(0), jax.random.key(c.seed))
        self.weights = loss_weights(c, 1)
        self.jit_step = jax.jit(self.step, static_argnums=1, donate_argnums=0)
        self.jit_accuracy = jax.jit(self.accuracy, static_argnums=2)

    def norm(self, p, x, name):
        x = x - x.mean(-1, keepdims=True)
        rstd = self.jax.lax.rsqrt(self.jax.numpy.square(x).mean(-1, keepdims=True) + 1e-5)
        return x * rstd * p[name + ".gain"] + p[name + ".bias"]

    def mlp(self, p, x):
        a = x @ p["W_1"] + p["b_1"]
        nn = self.jax.nn
        a = nn.gelu(a, approximate=False) if self.c.activation == "gelu" else nn.relu(a)
        return a @ p["W_2"] + p["b_2"]

    def block(self, p, Z, X, attend):
        c = self.c
        if c.norm == "pre":
            Z = Z + attend(self.norm(p, Z + X, "ln1"))
            return Z + self.mlp(p, self.norm(p, Z + X, "ln2")) if c.mlp else Z
        Z = Z + attend(Z + X)
        if c.norm == "post":
            Z = self.norm(p, Z, "ln1")
        if c.mlp:
            Z = Z + self.mlp(p, Z + X)
            if c.norm == "post":
                Z = self.norm(p, Z, "ln2")
        return Z

    def start(self, p, tokens):
        np_, c = self.jax.numpy, self.c
        N = tokens.shape[-1] + c.bos
        if c.bos:
            tokens = np_.pad(tokens, ((0, 0), (1, 0)), constant_values=c.vocab)
        X = p["embedding"][tokens]
        if c.pe_scale:
            X = X + np_.float32(position_encoding(c, N))
        W = np_.concatenate([p["W_Q"], p["W_K"], p["W_V"]], 1)
        return X, np_.float32(score_bias(c, N)), W

    def attention(self, Y, W, bias):
        np_, c = self.jax.numpy, self.c
        q, k, v = np_.split(Y @ W, 3, -1)
        s = np_.einsum("bid,bjd->bij", q / (c.tau * math.sqrt(c.d)), k) + bias
        return self.jax.nn.softmax(s, -1), v

    def logits(self, p, Z):
        c = self.c
        h = self.norm(p, Z, "lnf") if c.final_norm else Z
        return h[:, c.bos:] @ p["W_O"] + p["b_O"]

    def power_sum_forward(self, p):
        """sum_j p_j^q, by one power that serves the derivative too and is finite at p = 0."""
        power = {1.5: self.jax.numpy.sqrt, 2: lambda p: p}.get(
            self.c.q, lambda p: p ** (self.c.q - 1))(p)
        return (p * power).sum(-1), power

    def total(self, p, tokens, labels):
        jax, c = self.jax, self.c
        np_ = jax.numpy
        X, bias, W = self.start(p, tokens)

        def iteration(carry, _):
            Z, potential, entropy, path = carry
            rows = []

            def attend(Y):
                prob, v = self.attention(Y, W, bias)
                rows.append(-np_.log(prob.max(-1)))
                rows.append((1 - self.power_sum(prob)) / (c.q - 1))
                return np_.einsum("bij,bjd->bid", prob, v)

            after = self.block(p, Z, X, attend)
            if c.kinetic == "path":
                path = path + np_.square(after - Z).sum()
            return (after, potential + rows[0], entropy + rows[1], path), None

        zero = np_.zeros(X.shape[:2], X.dtype)
        (Z, potential, entropy, path), _ = jax.lax.scan(
            iteration, (np_.zeros_like(X), zero, zero, X.dtype.type(0)), length=c.loops)
        rows = X.shape[0] * X.shape[1]
        kinetic = {
            "norm": lambda: np_.linalg.norm(Z, axis=-1).sum() / (2 * rows),
            "squared": lambda: np_.square(Z).sum() / (2 * rows),
            "path": lambda: path / (2 * rows * c.loops),
            "frobenius": lambda: np_.sqrt(np_.square(Z).sum((1, 2))).sum() / (2 * X.shape[0]),
        }[c.kinetic]()
        log_p = jax.nn.log_softmax(self.logits(p, Z))
        counted = labels >= 0
        chosen = np_.take_along_axis(log_p, np_.maximum(labels, 0)[..., None], -1)[..., 0]
        task = -np_.where(counted, chosen, 0).sum() / counted.sum()
        penalty = np_.abs(entropy / c.loops - c.eta).mean()
        P, K, S = self.weights
        return task + P * potential.mean() / c.loops + K * kinetic + S * penalty

    def batch(self, key, L, sequences):
        jax, c = self.jax, self.c
        np_ = jax.numpy
        x = jax.random.randint(key, (sequences, L), 0, c.vocab)
        place = np_.arange(1, L + 1)[:, None] * jax.nn.one_hot(x, c.vocab, dtype=np_.int32)
        seen = np_.pad(jax.lax.cummax(place, 1)[:, :-1], ((0, 0), (1, 0), (0, 0)))
        after = np_.take_along_axis(seen, x[..., None], 2)[..., 0]
        return x, np_.where(after > 0, np_.take_along_axis(x, after, 1), c.vocab)

    def step(self, state, L):
        jax, c = self.jax, self.c
        np_ = jax.numpy
        theta, m, v, step, key = state
        key, fresh = jax.random.split(key)
        g = jax.grad(self.total)(theta, *self.batch(fresh, L, c.batch))
        if c.clip:
            size = np_.sqrt(sum(np_.square(x).sum() for x in jax.tree.leaves(g)))
            g = jax.tree.map(lambda x: x * np_.minimum(1, c.clip / size), g)
        step = step + 1
        m = jax.tree.map(lambda m, g: c.beta1 * m + (1 - c.beta1) * g, m, g)
        v = jax.tree.map(lambda v, g: c.beta2 * v + (1 - c.beta2) * g * g, v, g)
        c1, c2 = 1 - c.beta1**step, 1 - c.beta2**step
        theta = jax.tree.map(
            lambda p, m, v: p - c.lr * (c.weight_decay * p + m / c1
                                        / (np_.sqrt(v / c2) + c.epsilon)), theta, m, v)
        return theta, m, v, step, key

    def accuracy(self, p, key, L):
        """One sequence at a time: the scores of a whole batch of long ones would not fit a cache."""
        jax, c = self.jax, self.c
        np_ = jax.numpy
        tokens, labels = self.batch(key, L, c.eval_sequences)

        def one(tokens):
            X, bias, W = self.start(p, tokens[None])

            def iteration(_, Z):
                def attend(Y):
                    prob, v = self.attention(Y, W, bias)
                    return np_.einsum("bij,bjd->bid", prob, v)

                return self.block(p, Z, X, attend)

            return self.logits(p, jax.lax.fori_loop(0, c.loops, iteration, np_.zeros_like(X)))[0]

        return (jax.lax.map(one, tokens).argmax(-1) == labels).mean()

    def loss(self, step):
        total, g = self.jax.jit(self.jax.value_and_grad(self.total))(self.theta,
                                                                      *draw(self.c, step))
        return float(total), math.sqrt(sum(float((x * x).sum()) for x in g.values()))

    def train(self, L, count):
        for _ in range(count):
            self.state = self.jit_step(self.state, L)
        self.jax.block_until_ready(self.state)

    def evaluate(self, L, count):
        for i in range(count):
            float(self.jit_accuracy(self.state[0], self.jax.random.key(i), L))


PEERS = {
    "torch": lambda c, threads: Torch(c, threads),
    "torch-compile": lambda c, threads: Torch(c, threads, "block"),
    "torch-compile-whole": lambda c, threads: Torch(c, threads, "whole"),
    "jax": lambda c, threads: Jax(c),  # its threads follow the CPUs that it is given
}


def serve(options):
    with open(options.config) as file:
        peer = PEERS[options.subject](parse_config(file.read()), options.threads)
    for line in sys.stdin:
        what, *numbers = line.split()
        numbers = [int(x) for x in numbers]
        if what == "loss":
            print(*peer.loss(*numbers), flush=True)
            continue
        start = time.perf_counter()
        (peer.train if what == "train" else peer.evaluate)(*numbers)
        print(time.perf_counter() - start, flush=True)


# ---- the independent check ----


def checkpoint(path, c):
    """Step, parameters and both moments of a checkpoint of `eer train`, in double."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        def group(prefix):
            return {name: file.get_tensor(prefix + name).astype(float)
                    for name, shape in shapes(c) if shape}

        return int(file.metadata()["step"]), group(""), group("adam.m."), group("adam.v.")


def replay(c, dtype, first, last, state):
    """Steps first+1 .. last by PyTorch's autograd: the state after them, every step's terms."""
    peer, history = Torch(c, os.cpu_count(), dtype=dtype), {}
    torch = peer.torch
    theta, m, v = ({name: torch.tensor(x, dtype=peer.dtype) for name, x in part.items()}
                   for part in state)
    for step in range(first + 1, last + 1):
        peer.put(theta)
        tokens, labels = (torch.tensor(x) for x in draw(c, step))
        terms = peer.gradient(tokens, labels, loss_weights(c, step))
        history[step] = dict(zip(LOGGED, (x.item() for x in terms)))
        lr, c1, c2 = learning_rate(c, step), 1 - c.beta1**step, 1 - c.beta2**step
        for name, p in peer.theta.items():
            m[name] = c.beta1 * m[name] + (1 - c.beta1) * p.grad
            v[name] = c.beta2 * v[name] + (1 - c.beta2) * p.grad**2
            theta[name] = (p - lr * c.weight_decay * p - lr * (m[name] / c1)
                           / ((v[name] / c2).sqrt() + c.epsilon)).detach()
    return [{name: x.double().numpy() for name, x in part.items()} for part in (theta, m, v)], history


LOGGED = ("loss", "task", "potential", "kinetic", "entropy", "entropy_penalty")
LENIENCE = 16  # times the difference between PyTorch's own single and double precision


def check(options):
    """The yardstick is PyTorch's own rounding error over the same steps in single precision, for
    checkpoints in double scaled by the ratio of the unit roundoffs: rounding errors are
    proportional to it to first order. Shares are of LENIENCE times the yardstick."""
    from safetensors import safe_open

    with safe_open(options.subject, "np") as file:
        metadata = file.metadata()
        c = parse_config(metadata["config"])
        single = file.get_slice("W_Q").get_dtype() == "F32"
    last, *after = checkpoint(options.subject, c)
    zero = {name: np.zeros(shape) for name, shape in shapes(c) if shape}
    first, before = 0, [initial(c), zero, zero]
    if options.before:
        first, *before = checkpoint(options.before, c)
    exact, history = replay(c, "float64", first, last, before)
    rounded, rough = replay(c, "float32", first, last, before)
    allowed = LENIENCE * (1 if single else 2.0**-29)
    worst = 0.0

    def compare(what, got, want, yardstick, printed=0.0):
        nonlocal worst
        difference = np.abs(np.asarray(got) - want).max()
        allowance = allowed * np.abs(np.asarray(yardstick) - want).max()
        allowance += printed * np.abs(want).max()
        share = difference / (allowance + 1e-300)
        worst = max(worst, share)
        print(f"{what:24} largest {np.abs(want).max():9.3e}  difference {difference:9.3e}  "
              f"share {share:9.3g}")

    for part, got, want, yardstick in zip(("theta", "m", "v"), after, exact, rounded):
        whole = [np.concatenate([x[name].ravel() for name in want]) for x in (got, want, yardstick)]
        compare(part, *whole)
    if options.metrics:
        with open(options.metrics) as file:
            rows = [row for row in map(json.loads, file) if row["step"] in history]
        for key in LOGGED:
            compare(key, *([x[row["step"]][key] for row in rows]
                           for x in ({row["step"]: row for row in rows}, history, rough)),
                    printed=5e-10)  # ten digits are logged: half a unit of the last
    print(f"steps {first + 1} to {last}, backend {metadata['backend']}, {metadata['precision']}: "
          f"largest share of the allowance {worst:.3g}: {'agree' if worst <= 1 else 'DIFFER'}")
    return 0 if worst <= 1 else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["serve", "check"])
    parser.add_argument("subject", metavar="PEER|AFTER")
    parser.add_argument("--config")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--before")
    parser.add_argument("--metrics")
    given = parser.parse_args()
    sys.exit(serve(given) if given.command == "serve" else check(given))
