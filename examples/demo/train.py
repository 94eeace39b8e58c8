#!/usr/bin/env python3
"""Trains the demo model: a small SDAR checkpoint that solves the text tasks.

Run once to make `model/`; neither the demo nor the tests need it, or PyTorch.

    train.py --run FOLDER --steps N         (resumes when FOLDER/state.pt exists)

The model is Qwen3 (RMS norm, rotary positions, grouped queries, norm of each
query and key head, SwiGLU, tied embedding) under SDAR's block-causal mask:
a token sees all earlier blocks of 4 and the whole of its own.

Training follows the two-half mask of BD3-LM and SDAR: the clean sample x0 and
a noised copy xt go through the model together; a block of xt sees itself and
the clean blocks before it.  Two things are left out because nothing depends on
them: xt before the first block of the answer, and the last block of x0.  Each
clean sample serves COPIES noised ones, each with its own noise level t.

  1. draw samples, lay them out, mask answer tokens of each copy with odds t;
  2. cross-entropy at masked tokens, weighted 1/t, over the answer's length;
  3. Muon for the matrices of the layers, AdamW for the embedding and norms;
  4. constant rate after warm-up, linear to zero over the last steps;
     an average of the weights is what is evaluated and exported.
"""

import argparse
import dataclasses
import json
import math
import os
import random
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import tokenizers
import torch
import torch.nn.functional as F
from torch import nn

import folder
import tasks


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of the model; `block` is the length of a diffusion block."""

    hidden: int = 128
    layers: int = 6
    heads: int = 4
    key_heads: int = 2
    head_size: int = 32
    mlp: int = 384
    block: int = 4
    theta: float = 10000.0
    epsilon: float = 1e-6


# ---------------------------------------------------------------------------
# Model
# ---------------------------------------------------------------------------


class Norm(nn.Module):
    """RMS norm over the last dimension."""

    def __init__(self, size, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, True) + self.epsilon) * self.weight


def rotate(x, cos, sin):
    """Rotary positions, halves convention; x [N, T, heads, D], cos [N, T, 1, D]."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        rows, kv = shape.heads * shape.head_size, shape.key_heads * shape.head_size
        self.q_proj = nn.Linear(shape.hidden, rows, bias=False)
        self.k_proj = nn.Linear(shape.hidden, kv, bias=False)
        self.v_proj = nn.Linear(shape.hidden, kv, bias=False)
        self.o_proj = nn.Linear(rows, shape.hidden, bias=False)
        self.q_norm = Norm(shape.head_size, shape.epsilon)
        self.k_norm = Norm(shape.head_size, shape.epsilon)

    def forward(self, x, cos, sin, bias):
        n, t, _ = x.shape
        s = self.shape
        q = self.q_norm(self.q_proj(x).view(n, t, s.heads, s.head_size))
        k = self.k_norm(self.k_proj(x).view(n, t, s.key_heads, s.head_size))
        v = self.v_proj(x).view(n, t, s.key_heads, s.head_size)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = s.heads // s.key_heads
        # Query heads of one key head are rows of one product: [N, keys, G*T, D].
        q = q.to(v.dtype).transpose(1, 2).reshape(n, s.key_heads, group * t, -1)
        k, v = k.to(v.dtype).transpose(1, 2), v.transpose(1, 2)
        odds = (q @ k.mT).float().view(n, s.key_heads, group, t, t)
        odds = (odds * s.head_size**-0.5 + bias).softmax(-1).to(v.dtype)
        out = odds.view(n, s.key_heads, group * t, t) @ v
        out = out.view(n, s.heads, t, -1).transpose(1, 2)
        return self.o_proj(out.reshape(n, t, -1))


class Mlp(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.mlp, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.mlp, bias=False)
        self.down_proj = nn.Linear(shape.mlp, shape.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.input_layernorm = Norm(shape.hidden, shape.epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.hidden, shape.epsilon)
        self.mlp = Mlp(shape)

    def forward(self, x, cos, sin, bias):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, bias)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Module):
    """Parameter names are those of the checkpoint, less the prefix 'model.'."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(folder.VOCABULARY_SIZE, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape.epsilon)
        nn.init.normal_(self.embed_tokens.weight, std=0.05)
        for name, weight in self.named_parameters():
            if name.endswith("_proj.weight"):
                scale = weight.shape[1] ** -0.5
                if "o_proj" in name or "down_proj" in name:
                    scale /= math.sqrt(2 * shape.layers)
                nn.init.normal_(weight, std=scale)

    def forward(self, ids, positions, allow):
        """ids, positions [N, T]; allow bool [N, 1, T, T] -> [N, T, H]."""
        half = torch.arange(0, self.shape.head_size, 2) / self.shape.head_size
        angle = positions[..., None].float() * self.shape.theta**-half
        angle = torch.cat((angle, angle), -1)[:, :, None]
        cos, sin = angle.cos(), angle.sin()
        bias = torch.zeros(allow.shape).masked_fill(~allow, -1e9)[:, :, None]
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, cos, sin, bias)
        return self.norm(x)

    def scores(self, hidden):
        return hidden @ self.embed_tokens.weight.to(hidden.dtype).T


# ---------------------------------------------------------------------------
# Samples
# ---------------------------------------------------------------------------

# (tasks, samples a step, slots of x0, slots of xt from the answer's first block).
# Two groups because a Sudoku is twice as long as everything else.
GROUPS = [
    (("reverse", "sort", "sum", "sum"), 160, 20, 12),
    (("sudoku",), 64, 40, 20),
]
COPIES = 2


def make_encoder():
    """List of texts -> list of lists of ids, by the demo's own tokenizer."""
    encoder = tokenizers.Tokenizer.from_str(json.dumps(folder.tokenizer()))
    return lambda texts: [
        e.ids for e in encoder.encode_batch_fast(texts, add_special_tokens=False)
    ]


def draw_group(group, rng, encode, block):
    """One batch of a group: dict of tensors, T = x0 slots + COPIES * xt slots.

    ids, positions [N, T]; allow [N, 1, T, T]; targets [N, T] (-100: no loss);
    weight [N, T], the 1/t and 1/length of step 2.
    """
    names, count, clean_slots, noised_slots = group
    pairs = [tasks.make(names[i % len(names)], rng) for i in range(count)]
    prompts = encode([prompt for prompt, _ in pairs])
    answers = encode([answer for _, answer in pairs])

    total = clean_slots + block + noised_slots
    rows, starts, lengths = [], [], []
    for prompt, answer in zip(prompts, answers):
        row = prompt + answer + [folder.IM_END]
        row += [folder.IM_END] * (-len(row) % block)
        rows.append(row + [folder.IM_END] * (total - len(row)))
        starts.append(len(prompt))
        lengths.append(len(row))
    ids = torch.tensor(rows)
    start = torch.tensor(starts)[:, None, None]
    length = torch.tensor(lengths)[:, None, None]

    # Copies: [N, COPIES, slots], positions from the answer's first block on.
    at = start // block * block + torch.arange(noised_slots).expand(1, COPIES, -1)
    truth = ids[:, None].expand(-1, COPIES, -1).gather(2, at)
    answer = (at >= start) & (at < length)
    # Noise levels in [0.1, 1], one from each COPIES-th part of it.
    level = (torch.arange(COPIES)[None, :, None] + torch.rand(count, COPIES, 1)) / COPIES
    level = 0.1 + 0.9 * level
    masked = answer & (torch.rand(at.shape) < level)
    noised = truth.masked_fill(masked, folder.MASK)
    weight = masked / level / answer.sum(-1, True) / (count * COPIES)

    # Slots: x0, then the copies.  half 0 is x0, copy r is half r + 1.
    clean_at = torch.arange(clean_slots).expand(count, -1)
    positions = torch.cat((clean_at, at.flatten(1)), 1)
    half = torch.arange(1, COPIES + 1).repeat_interleave(noised_slots)
    half = torch.cat((torch.zeros(clean_slots, dtype=torch.long), half))
    key, query = positions[:, None] // block, positions[:, :, None] // block
    key_half, query_half = half[None, None], half[None, :, None]
    allow = torch.where(
        query_half == 0,
        (key_half == 0) & (key <= query),
        ((key_half == query_half) & (key == query)) | ((key_half == 0) & (key < query)),
    )
    return {
        "ids": torch.cat((ids[:, :clean_slots], noised.flatten(1)), 1),
        "positions": positions,
        "allow": allow[:, None],
        "targets": truth.flatten(1),
        "weight": weight.flatten(1),
    }


def group_loss(model, batch):
    """Weighted cross-entropy; the rows of x0 need no scores."""
    count = batch["targets"].shape[1]
    hidden = model(batch["ids"], batch["positions"], batch["allow"])[:, -count:]
    scores = model.scores(hidden).float().flatten(0, 1)
    each = F.cross_entropy(scores, batch["targets"].flatten(), reduction="none")
    return (each * batch["weight"].flatten()).sum()


# ---------------------------------------------------------------------------
# Decoding, as SDAR publishes it (stateless: recomputes everything)
# ---------------------------------------------------------------------------


@torch.no_grad()
def decode(model, prompts, most=24, threshold=0.9):
    """Greedy `dynamic` decoding of a batch; returns answers and counts.

    prompts: lists of ids.  In a block, every masked position whose confidence
    exceeds the threshold is filled, or else the most confident one; the mask
    token is never chosen.  Ends after the block with a stop id.
    Returns a list of (generated ids, evaluations).
    """
    block = model.shape.block
    total = -(-(max(map(len, prompts)) + most) // block) * block
    x = torch.full((len(prompts), total), folder.MASK)
    for row, prompt in enumerate(prompts):
        x[row, : len(prompt)] = torch.tensor(prompt)
    start = torch.tensor([len(prompt) for prompt in prompts])
    low = start // block * block
    evaluations = torch.zeros(len(prompts), dtype=torch.long)
    at = torch.arange(total)
    active = torch.arange(len(prompts))
    while len(active):
        part, lo = x[active], low[active]
        until = int(lo.max()) + block
        b = at[:until] // block
        allow = (b[None] <= b[:, None])[None, None].expand(len(active), 1, -1, -1)
        hidden = model(part[:, :until], at[:until].expand(len(active), -1), allow)
        window = lo[:, None] + torch.arange(block)
        hidden = hidden.gather(1, window[..., None].expand(-1, -1, hidden.shape[2]))
        odds = model.scores(hidden).softmax(-1)
        odds[..., folder.MASK] = 0
        confidence, token = odds.max(-1)
        masked = part.gather(1, window) == folder.MASK
        confidence = confidence.masked_fill(~masked, -1)
        pick = confidence > threshold
        pick |= F.one_hot(confidence.argmax(-1), block).bool() & ~pick.any(-1, True)
        values = torch.where(pick, token, part.gather(1, window))
        x[active] = part.scatter(1, window, values)
        evaluations[active] += 1

        finished = (values != folder.MASK).all(-1)
        ended = ((values == folder.IM_END) | (values == folder.END_OF_TEXT)).any(-1)
        ended |= lo + block >= (start[active] + most)
        low[active] = lo + block * finished
        active = active[~(finished & ended)]
    return [
        (x[row, start[row] : low[row]].tolist(), int(evaluations[row]))
        for row in range(len(prompts))
    ]


def evaluate(model, encode, count, seed):
    """Exact match and tokens per evaluation on held-out prompts, by task."""
    figures = {}
    model.eval()
    for name in tasks.NAMES:
        pairs = tasks.held_out_prompts(name, count, seed)
        answers = encode([answer for _, answer in pairs])
        runs = decode(model, encode([prompt for prompt, _ in pairs]))
        right = sum(
            out[: len(answer) + 1] == answer + [folder.IM_END]
            for (out, _), answer in zip(runs, answers)
        )
        tokens = sum(len(out) for out, _ in runs)
        figures[name] = (right / count, tokens / sum(calls for _, calls in runs))
    model.train()
    return figures


# ---------------------------------------------------------------------------
# Optimiser
# ---------------------------------------------------------------------------


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix update is brought near to an orthogonal matrix.

    Keller Jordan, "Muon: An optimizer for hidden layers in neural networks"
    (2024): quintic Newton-Schulz iteration with coefficients 3.4445, -4.7750,
    2.0315.  Matrices of one shape are iterated together.
    """

    def __init__(self, weights, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(weights, {"lr": lr})
        self.momentum, self.weight_decay = momentum, weight_decay

    @torch.no_grad()
    def step(self):
        by_shape = {}
        for group in self.param_groups:
            for w in group["params"]:
                by_shape.setdefault(w.shape, []).append(w)
        rate = self.param_groups[0]["lr"]
        for (rows, columns), weights in by_shape.items():
            updates = []
            for w in weights:
                state = self.state[w]
                if not state:
                    state["momentum"] = torch.zeros_like(w)
                state["momentum"].lerp_(w.grad, 1 - self.momentum)
                updates.append(w.grad.lerp(state["momentum"], self.momentum))
            x = torch.stack(updates)
            if rows > columns:
                x = x.mT
            x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
            for _ in range(5):
                a = x @ x.mT
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            if rows > columns:
                x = x.mT
            scale = rate * max(1, rows / columns) ** 0.5
            for w, update in zip(weights, x.float()):
                w.mul_(1 - rate * self.weight_decay).add_(update, alpha=-scale)


# ---------------------------------------------------------------------------
# Run
# ---------------------------------------------------------------------------


def export(path, model):
    """Writes `model` as a checkpoint folder, matrices as stored: [out, in]."""
    tensors = {
        f"model.{name}": (tuple(w.shape), w.detach().float().numpy().tobytes())
        for name, w in sorted(model.named_parameters())
    }
    folder.write(path, model.shape, tensors)


def train(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    shape = Shape()
    model, average = Model(shape), Model(shape)
    average.load_state_dict(model.state_dict())
    matrices = [w for n, w in model.named_parameters() if n.endswith("_proj.weight")]
    others = [w for n, w in model.named_parameters() if not n.endswith("_proj.weight")]
    optimisers = [
        Muon(matrices, lr=args.muon_rate),
        torch.optim.AdamW(others, lr=args.rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    base_rates = [args.muon_rate, args.rate]
    encode = make_encoder()
    os.makedirs(args.run, exist_ok=True)
    state_path, log_path = f"{args.run}/state.pt", f"{args.run}/training.log"

    step, seconds = 0, 0.0
    if os.path.exists(state_path):
        state = torch.load(state_path, weights_only=True)
        step, seconds = state["step"], state["seconds"]
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for optimiser, saved in zip(optimisers, state["optimisers"]):
            optimiser.load_state_dict(saved)

    def say(line):
        print(line, flush=True)
        with open(log_path, "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def report(count):
        figures = evaluate(average, encode, count, seed=0)
        text = ", ".join(f"{n} {e:.1%} ({t:.2f})" for n, (e, t) in figures.items())
        say(f"step {step}: exact match (tokens an evaluation) of {count}: {text}")
        export(f"{args.run}/model", average)

    size = sum(w.numel() for w in model.parameters())
    say(f"{size} parameters, {vars(shape)}, seed {args.seed}, steps {args.steps}")
    run_loss = torch.compile(group_loss, dynamic=False) if args.compile else group_loss
    losses = [0.0] * len(GROUPS)
    mark = time.time()
    while step < args.steps:
        # Samples of a step depend on seed and step alone, also after a resume.
        rng = random.Random(f"{args.seed}/{step}")
        torch.manual_seed(hash((args.seed, step)))
        decay = min(1.0, (args.steps - step) / max(1, args.steps * args.decay))
        factor = min(1.0, (step + 1) / 200) * decay
        for optimiser, rate in zip(optimisers, base_rates):
            optimiser.param_groups[0]["lr"] = rate * factor
        for index, group in enumerate(GROUPS):
            batch = draw_group(group, rng, encode, shape.block)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = run_loss(model, batch)
            loss.backward()
            losses[index] += loss.item()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        step += 1
        keep = min(0.995, step / (step + 20))
        with torch.no_grad():
            for mean, w in zip(average.parameters(), model.parameters()):
                mean.lerp_(w, 1 - keep)

        if step % args.log_every == 0:
            seconds += time.time() - mark
            mark = time.time()
            text = " ".join(f"{total / args.log_every:.4f}" for total in losses)
            losses = [0.0] * len(GROUPS)
            say(f"step {step} {seconds:.0f} s loss {text} rate x{factor:.3f}")
        if step % args.save_every == 0 or step == args.steps:
            report(1000 if step == args.steps else 200)
            seconds += time.time() - mark
            mark = time.time()
            state = {
                "step": step,
                "seconds": seconds,
                "model": model.state_dict(),
                "average": average.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in optimisers],
            }
            torch.save(state, state_path + ".new")
            os.replace(state_path + ".new", state_path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", required=True, help="folder for state, log, model")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--decay", type=float, default=0.5, help="part of the steps")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--muon-rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--compile", action="store_true")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
