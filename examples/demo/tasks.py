"""The four text tasks of the demo model, shared by train.py and check.py.

Each task writes a prompt and its one right answer, so a program can check
what a compiled model generates.  Standard library only.

    reverse 4f71a =>            a17f4                hex string, 3 to 10 long
    sort 739152 =>              123579               digits, 3 to 10 long
    sudoku 1.3./.4../..2./4..1 =>  1234/3412/...     4x4, 4 to 10 cells blank
    sum 000123+004567 =>        0004690              1 to 6 digits, zero padded

Prompts are split by a hash of their text: `is_held_out` prompts are used only
for checking, all others only for training, so no checked prompt was trained.
"""

import random
import zlib

NAMES = ("reverse", "sort", "sudoku", "sum")

SUM_WIDTH = 6  # operand width; the answer is one digit wider


def is_held_out(prompt):
    """True for the one prompt in sixteen that training never sees."""
    return zlib.crc32(prompt.encode()) % 16 == 0


# ---------------------------------------------------------------------------
# reverse and sort
# ---------------------------------------------------------------------------


def make_reverse(rng):
    text = "".join(rng.choices("0123456789abcdef", k=rng.randint(3, 10)))
    return f"reverse {text} =>", text[::-1]


def make_sort(rng):
    text = "".join(rng.choices("0123456789", k=rng.randint(3, 10)))
    return f"sort {text} =>", "".join(sorted(text))


# ---------------------------------------------------------------------------
# sudoku: rows separated by '/', blank cells are '.'
# ---------------------------------------------------------------------------


def _all_grids():
    """All 288 solved 4x4 grids, each a tuple of 16 digits."""
    grids = []

    def fill(cells):
        at = len(cells)
        if at == 16:
            grids.append(tuple(cells))
            return
        row, col = divmod(at, 4)
        for value in "1234":
            clash = any(
                cells[k] == value
                and (
                    k // 4 == row
                    or k % 4 == col
                    or (k // 8 == row // 2 and k % 4 // 2 == col // 2)
                )
                for k in range(at)
            )
            if not clash:
                fill(cells + [value])

    fill([])
    return grids


_GRIDS = _all_grids()
# _WITH[cell][digit]: bit g is set when grid g has this digit in this cell, so
# the solutions of a puzzle are the AND over its given cells.
_WITH = [
    {d: sum(1 << g for g, grid in enumerate(_GRIDS) if grid[c] == d) for d in "1234"}
    for c in range(16)
]


def _rows(cells):
    return "/".join("".join(cells[r : r + 4]) for r in range(0, 16, 4))


def make_sudoku(rng):
    while True:
        grid = rng.choice(_GRIDS)
        blanks = set(rng.sample(range(16), rng.randint(4, 10)))
        solutions = (1 << len(_GRIDS)) - 1
        for cell in range(16):
            if cell not in blanks:
                solutions &= _WITH[cell][grid[cell]]
        if solutions & (solutions - 1) == 0:
            break
    puzzle = ["." if cell in blanks else grid[cell] for cell in range(16)]
    return f"sudoku {_rows(puzzle)} =>", _rows(grid)


# ---------------------------------------------------------------------------
# sum: equal widths keep digits of one weight at fixed distances
# ---------------------------------------------------------------------------


def _sum(a, b):
    prompt = f"sum {a:0{SUM_WIDTH}d}+{b:0{SUM_WIDTH}d} =>"
    return prompt, f"{a + b:0{SUM_WIDTH + 1}d}"


def make_sum(rng):
    a, b = (rng.randrange(10 ** rng.randint(1, SUM_WIDTH)) for _ in range(2))
    return _sum(a, b)


def make_carry_sum(rng):
    """A sum whose digit pairs add up to 9 more often, for long carry chains.

    Uniform digits make a chain of four about once in 10,000; used only in
    training, so that these chains are learned too.
    """
    a, b = [], []
    nines = rng.random()
    for _ in range(SUM_WIDTH):
        digit = rng.randrange(10)
        a.append(digit)
        b.append(9 - digit if rng.random() < nines else rng.randrange(10))
    return _sum(int("".join(map(str, a))), int("".join(map(str, b))))


# ---------------------------------------------------------------------------

_MAKERS = {
    "reverse": make_reverse,
    "sort": make_sort,
    "sudoku": make_sudoku,
    "sum": make_sum,
}


def make(name, rng, held_out=False):
    """One (prompt, answer) of task `name` from the asked side of the split."""
    while True:
        maker = _MAKERS[name]
        if name == "sum" and not held_out and rng.random() < 0.5:
            maker = make_carry_sum
        prompt, answer = maker(rng)
        if is_held_out(prompt) == held_out:
            return prompt, answer


def held_out_prompts(name, count, seed):
    """`count` different held-out (prompt, answer) pairs."""
    rng = random.Random(f"{name}/{seed}")
    pairs = {}
    while len(pairs) < count:
        prompt, answer = make(name, rng, held_out=True)
        pairs[prompt] = answer
    return list(pairs.items())


def solve(prompt):
    """The right answer to a prompt of any task, from its text alone."""
    name, body, _ = prompt.split(" ")
    if name == "reverse":
        return body[::-1]
    if name == "sort":
        return "".join(sorted(body))
    if name == "sum":
        a, b = body.split("+")
        return _sum(int(a), int(b))[1]
    if name == "sudoku":
        cells = body.replace("/", "")
        for grid in _GRIDS:
            if all(c in (".", d) for c, d in zip(cells, grid)):
                return _rows(grid)
    raise ValueError(f"expects a prompt of one of {NAMES}, but got '{prompt}'")
