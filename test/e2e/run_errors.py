#!/usr/bin/env python3
"""Every error that a running program can make (docs/Spec.md, R1 to R18): the interpreter, and machine code of -O0 and -O1, say
the same."""
import json
import os
import re
import shutil
import tempfile
import threading

import harness
import modules
from checkpoint import Shape, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=270, capacity=64)
LEVELS = ("-O0", "-O1")
# Numbers that no pass can know: the request has three tokens and asks for eight.
NUMBERS = "".join(f"%c{i} = arith.constant {i} : index\n" for i in range(10)) + """
%z = arith.subi %max, %c8 : index
%m1 = arith.subi %z, %c1 : index
%n9 = arith.addi %max, %c1 : index
%one = arith.index_cast %c1 : index to i32
%rows = quoin.span %c0 to %c3
%e = quoin.evaluation
"""
# More than the capacity and what lies beyond it: sizes in the text are what that is made of.
FAR = "%h = arith.constant 60 : index\n%k = arith.muli %h, %c5 : index\n"
FORWARD = "%l = quoin.forward @model of %x[to %c3] read %rows mask #quoin.mask<causal>\n"
TOKENS = "%ids = quoin.tokens %x at %rows\n"
END = "quoin.return %x[%c0 to %c0]\n"
SHIFTS, DIVISIONS = ("shli", "shrsi", "shrui"), ("divui", "remui", "ceildivui", "divsi", "remsi", "ceildivsi", "floordivsi")


def index(name, lines, value="%v"):
    """A case whose wrong op gives an index."""
    return name, lines + f"\nquoin.return %x[%c0 to {value}]\n"


def sequence(name, lines, value="%v"):
    return name, lines + f"\nquoin.return {value}[%c0 to %c0]\n"


def ids(name, lines, value="%v"):
    return sequence(name, lines + f"\n%y = quoin.append %x, {value}\n", "%y")


def positions(name, lines, value="%v"):
    return ids(name, lines + f"\n%t = quoin.tokens %x at {value}\n", "%t")


def flags(name, lines, value="%v"):
    return index(name, lines + f"\n%n = quoin.count {value}\n", "%n")


def full(name, type="i32", size="%c2", element="%one"):
    return f"{name} = tensor.splat {element}[{size}] : tensor<?x{type}>\n"


REAL = "%h = arith.index_cast %max : index to i32\n%f = arith.sitofp %h : i32 to f32\n"
CASES = [
    # R1: ranges lie in the sequence.
    positions("r1-open", "%v = quoin.open %x[%c0 to %n9]"),
    positions("r1-open-backwards", "%v = quoin.open %x[%c2 to %c1]"),
    index("r1-first-open", "%v = quoin.first_open %x[%m1 to %c2]"),
    index("r1-find-stop", "%v = quoin.find_stop %x[%c2 to %c4]"),
    sequence("r1-reopen", "%v = quoin.reopen %x[%c2 to %c4]"),
    sequence("r1-commit", "%v = quoin.commit %x to %c4"),
    sequence("r1-commit-negative", "%v = quoin.commit %x to %m1"),
    sequence("r1-denoise", "%v = quoin.denoise %x[%c0 to %c4] {\n^bb0(%y: !quoin.sequence, %r: tensor<?xindex>):\n  quoin.yield %y\n}"),
    ids("r1-forward", FORWARD.replace("to %c3", "to %c4") + "%v = quoin.score %l [token] : tensor<?xi32>"),
    sequence("r1-pass", "%v = quoin.commit %x to %n9 by pass of @model mask #quoin.mask<causal>"),
    ("r1-return-end", "quoin.return %x[%c0 to %n9]\n"),
    ("r1-return-start", "quoin.return %x[%c3 to %c2]\n"),
    # R2: positions lie in the sequence.
    ids("r2-tokens", "%r = quoin.span %c2 to %c4\n%v = quoin.tokens %x at %r"),
    sequence("r2-fill", full("%t") + "%r = quoin.span %c2 to %c4\n%v = quoin.fill %x at %r with %t"),
    positions("r2-labels", "%r = quoin.span %c2 to %c4\n%v = quoin.labels %x at %r"),
    sequence("r2-relabel", "%r = quoin.span %c2 to %c4\n%v = quoin.relabel %x at %r with %r"),
    sequence("r2-edit", full("%t") + "%r = quoin.span %m1 to %c1\n%v = quoin.edit %x at %r with %t"),
    # R3: what is committed does not change.
    sequence("r3-relabel", "%a = quoin.commit %x to %c2\n%r = quoin.span %c1 to %c3\n%l = quoin.span %c4 to %c6\n%v = quoin.relabel %a at %r with %l"),
    sequence("r3-insert", full("%t") + "%a = quoin.commit %x to %c2\n%v = quoin.insert %a at %c1, %t"),
    sequence("r3-insert-beyond", full("%t") + "%v = quoin.insert %x at %c4, %t"),
    sequence("r3-truncate", "%a = quoin.commit %x to %c2\n%v = quoin.truncate %a to %c1"),
    sequence("r3-truncate-beyond", "%v = quoin.truncate %x to %c4"),
    sequence("r3-edit", full("%t") + "%a = quoin.commit %x to %c2\n%r = quoin.span %c1 to %c3\n%v = quoin.edit %a at %r with %t"),
    # R4: tokens are of the vocabulary.
    ids("r4-append", "%k = arith.constant 270 : i32\n" + full("%v", element="%k")),
    sequence("r4-insert", "%k = arith.constant 270 : i32\n" + full("%t", element="%k") + "%v = quoin.insert %x at %c1, %t"),
    ids("r4-adjust", FORWARD + "%k = arith.constant 270 : i32\n" + full("%t", element="%k") + "%h = arith.constant 1.0 : f32\n" + full("%a", "f32", element="%h") +
        "%m = quoin.adjust %l at %t by %a\n%v = quoin.score %m [token] : tensor<?xi32>"),
    ids("r4-append-negative", "%k = arith.constant -1 : i32\n" + full("%v", element="%k")),
    sequence("r4-fill", "%k = arith.constant 270 : i32\n" + full("%t", element="%k") +
             "%a = quoin.extend %x by %c2\n%r = quoin.span %c3 to %c5\n%v = quoin.fill %a at %r with %t"),
    sequence("r4-edit", "%k = arith.constant 300 : i32\n" + full("%t", element="%k") + "%r = quoin.span %c1 to %c3\n%v = quoin.edit %x at %r with %t"),
    ids("r4-then", "%k = arith.constant 270 : i32\n" + full("%t", element="%k") + "%at = quoin.span %c3 to %c5\n"
        "%l = quoin.forward @model of %x[to %c3] then %t at %at read %rows mask #quoin.mask<causal>\n%v = quoin.score %l [token] : tensor<?xi32>"),
    flags("r4-of", FORWARD + "%k = arith.constant 270 : i32\n" + full("%t", size="%c3", element="%k") +
          "%p = quoin.score %l [probability] of %t : tensor<?xf32>\n%v = quoin.top %p, %c1"),
    # R5: what is committed is known.
    sequence("r5-commit", "%a = quoin.extend %x by %c2\n%v = quoin.commit %a to %c5"),
    sequence("r5-commit-part", "%a = quoin.extend %x by %c4\n%b = quoin.commit %a to %c3\n%v = quoin.commit %b to %c5"),
    sequence("r5-commit-lower", "%a = quoin.extend %x by %c4\n%v = quoin.commit %a to %c4"),
    sequence("r5-pass", "%a = quoin.extend %x by %c2\n%v = quoin.commit %a to %c5 by pass of @model mask #quoin.mask<causal>"),
    ("r5-unused", "%a = quoin.extend %x by %c2\n%v = quoin.commit %a to %c5\n" + END),
    sequence("r5-reopened", "%a = quoin.commit %x to %c3\n%b = quoin.reopen %a[%c1 to %c2]\n%v = quoin.commit %b to %c3"),
    # R6: sequences fit the capacity.
    sequence("r6-extend", FAR + "%v = quoin.extend %x by %k"),
    sequence("r6-extend-much", "%k = arith.constant 9223372036854775807 : index\n%v = quoin.extend %x by %k"),
    sequence("r6-extend-negative", "%v = quoin.extend %x by %m1"),
    sequence("r6-insert", FAR + full("%t", size="%k") + "%v = quoin.insert %x at %c1, %t"),
    ids("r6-append", FAR + full("%v", size="%k")),
    # R8: what belongs together has one size.
    sequence("r8-append", TOKENS + "%r = quoin.span %c0 to %c2\n%v = quoin.append %x, %ids at %r"),
    sequence("r8-fill", full("%t") + "%v = quoin.fill %x at %rows with %t"),
    sequence("r8-edit-flags", TOKENS + "%true = arith.constant true\n" + full("%w", "i1", element="%true") +
             "%v = quoin.edit %x at %rows with %ids where %w"),
    flags("r8-top", "%q = arith.constant 0.5 : f32\n%true = arith.constant true\n" + full("%p", "f32", "%c3", "%q") +
          full("%w", "i1", element="%true") + "%v = quoin.top %p, %c1 where %w"),
    sequence("r8-relabel", "%r = quoin.span %c0 to %c2\n%v = quoin.relabel %x at %rows with %r"),
    sequence("r8-relabel-flags", "%true = arith.constant true\n" + full("%w", "i1", element="%true") + "%v = quoin.relabel %x at %rows with %rows where %w"),
    index("r8-reduce", "%true = arith.constant true\n" + full("%w", "i1", element="%true") + "%v = quoin.reduce sum %rows where %w : tensor<?xindex> -> index"),
    ids("r8-adjust", FORWARD + full("%t") + "%h = arith.constant 1.0 : f32\n" + full("%a", "f32", "%c3", "%h") +
        "%m = quoin.adjust %l at %t by %a\n%v = quoin.score %m [token] : tensor<?xi32>"),
    ids("r8-adjust-rows", FORWARD + full("%t") + "%h = arith.constant 1.0 : f32\n" + full("%a", "f32", element="%h") +
        "%m = quoin.adjust %l at %t by %a of %rows\n%v = quoin.score %m [token] : tensor<?xi32>"),
    positions("r8-elements", "%r = quoin.span %c0 to %c2\n%v = arith.addi %rows, %r : tensor<?xindex>"),
    positions("r8-compare", "%r = quoin.span %c0 to %c2\n%w = arith.cmpi eq, %rows, %r : tensor<?xindex>\n%n = quoin.count %w\n%v = quoin.span %c0 to %n"),
    positions("r8-select", "%r = quoin.span %c0 to %c2\n%s = quoin.span %c1 to %c3\n%m = quoin.span %c1 to %c4\n"
              "%w2 = arith.cmpi ult, %s, %r : tensor<?xindex>\n%v = arith.select %w2, %rows, %m : tensor<?xi1>, tensor<?xindex>"),
    ids("r8-then-positions", full("%t") + "%l = quoin.forward @model of %x[to %c3] then %t at %rows read %rows mask #quoin.mask<causal>\n"
        "%v = quoin.score %l [token] : tensor<?xi32>"),
    ids("r8-then-labels", full("%t") + "%at = quoin.span %c3 to %c5\n"
        "%l = quoin.forward @model of %x[to %c3] then %t at %at label %rows read %rows mask #quoin.mask<causal>\n"
        "%v = quoin.score %l [token] : tensor<?xi32>"),
    ids("r8-score-positions", FORWARD + "%r = quoin.span %c0 to %c2\n"
        "%v = quoin.score %l [token] by #quoin.sampler<temperature> at %r, %e : tensor<?xi32>"),
    flags("r8-score-of", FORWARD + full("%t") + "%p = quoin.score %l [probability] of %t : tensor<?xf32>\n%v = quoin.top %p, %c1"),
    ids("r8-guide", FORWARD + "%k = quoin.rows %l[%c0 for %c2]\n%g = arith.constant 1.0 : f32\n%m = quoin.guide %l over %k by %g\n"
        "%v = quoin.score %m [token] : tensor<?xi32>"),
    ids("r8-residual", FORWARD + "%k = quoin.rows %l[%c0 for %c2]\n%v = quoin.draw_residual %l minus %k at %rows, %e"),
    ids("r8-residual-positions", FORWARD + "%r = quoin.span %c0 to %c2\n%v = quoin.draw_residual %l minus %l at %r, %e"),
    # R9: vectors are not too long.
    positions("r9-span", "%k = arith.constant 268435457 : index\n%v = quoin.span %c0 to %k"),
    positions("r9-span-wraps", "%k = arith.constant -9223372036854775807 : index\n%v = quoin.span %k to %max"),
    ids("r9-splat", full("%v", size="%m1")),
    ids("r9-splat-much", "%k = arith.constant 268435457 : index\n" + full("%v", size="%k")),
    ids("r9-empty", "%v = tensor.empty(%m1) : tensor<?xi32>"),
    # R10: elements and rows are there.
    index("r10-extract", "%v = tensor.extract %rows[%c3] : tensor<?xindex>"),
    index("r10-extract-negative", "%v = tensor.extract %rows[%m1] : tensor<?xindex>"),
    index("r10-dim", "%v = tensor.dim %rows, %n9 : tensor<?xindex>"),
    positions("r10-slice-offset", "%v = tensor.extract_slice %rows[%c4] [%c1] [1] : tensor<?xindex> to tensor<?xindex>"),
    positions("r10-slice-size", "%v = tensor.extract_slice %rows[%c1] [%c3] [1] : tensor<?xindex> to tensor<?xindex>"),
    positions("r10-slice-negative", "%v = tensor.extract_slice %rows[%c1] [%m1] [1] : tensor<?xindex> to tensor<?xindex>"),
    positions("r10-slice-stride", "%v = tensor.extract_slice %rows[%c0] [%c1] [%z] : tensor<?xindex> to tensor<?xindex>"),
    positions("r10-slice-strided", "%v = tensor.extract_slice %rows[%c0] [%c3] [%c2] : tensor<?xindex> to tensor<?xindex>"),
    positions("r10-slice-backwards", "%v = tensor.extract_slice %rows[%c2] [%c3] [%m1] : tensor<?xindex> to tensor<?xindex>"),
    positions("r10-gather", "%r = quoin.span %c2 to %c4\n%v = quoin.gather %rows at %r : tensor<?xindex> -> tensor<?xindex>"),
    positions("r10-gather-negative", "%r = quoin.span %m1 to %c1\n%v = quoin.gather %rows at %r : tensor<?xindex> -> tensor<?xindex>"),
    ids("r10-adjust", FORWARD + full("%t") + "%h = arith.constant 1.0 : f32\n" + full("%a", "f32", element="%h") + "%r = quoin.span %c2 to %c4\n"
        "%m = quoin.adjust %l at %t by %a of %r\n%v = quoin.score %m [token] : tensor<?xi32>"),
    ids("r10-rows", FORWARD + "%k = quoin.rows %l[%c4 for %c0]\n%v = quoin.score %k [token] : tensor<?xi32>"),
    ids("r10-rows-count", FORWARD + "%k = quoin.rows %l[%c2 for %c2]\n%v = quoin.score %k [token] : tensor<?xi32>"),
    ids("r10-rows-negative", FORWARD + "%k = quoin.rows %l[%c2 for %m1]\n%v = quoin.score %k [token] : tensor<?xi32>"),
    # R11: a number of rows to choose is not negative.
    flags("r11-top", "%q = arith.constant 0.5 : f32\n" + full("%p", "f32", "%c3", "%q") + "%v = quoin.top %p, %m1"),
    # R12: integers have their results.
    *[index(f"r12-{op}", f"%v = arith.{op} %max, %z : index") for op in DIVISIONS],
    *[index(f"r12-{op}-wraps", f"%k = arith.constant -9223372036854775808 : index\n%w = arith.addi %k, %z : index\n%v = arith.{op} %w, %m1 : index")
      for op in DIVISIONS[3:]],
    *[index(f"r12-{op}", f"%k = arith.constant 64 : index\n%w = arith.addi %k, %z : index\n%v = arith.{op} %max, %w : index") for op in SHIFTS],
    ids("r12-elements", "%m = tensor.splat %z[%c3] : tensor<?xindex>\n%d = arith.divui %rows, %m : tensor<?xindex>\n%v = quoin.tokens %x at %d"),
    ids("r12-shift-i32", "%k = arith.constant 24 : i32\n" + REAL + "%w = arith.addi %k, %h : i32\n%s = arith.shli %one, %w : i32\n" + full("%v", element="%s")),
    index("r12-fptosi", REAL + "%k = arith.constant 1.0e30 : f32\n%w = arith.mulf %f, %k : f32\n%v64 = arith.fptosi %w : f32 to i64\n"
          "%v = arith.index_cast %v64 : i64 to index"),
    ids("r12-fptosi-i32", REAL + "%k = arith.constant 268435456.0 : f32\n%w = arith.mulf %f, %k : f32\n%s = arith.fptosi %w : f32 to i32\n" + full("%v", element="%s")),
    ids("r12-fptosi-nan", REAL + "%k = arith.constant 0.0 : f32\n%a = arith.mulf %f, %k : f32\n%w = arith.divf %a, %a : f32\n"
        "%s = arith.fptosi %w : f32 to i32\n" + full("%v", element="%s")),
    ids("r12-fptoui", REAL + "%w = arith.negf %f : f32\n%s = arith.fptoui %w : f32 to i32\n" + full("%v", element="%s")),
    # R13: loops count up.
    index("r13-step", "%v = scf.for %i = %c0 to %max step %z iter_args(%a = %c0) -> (index) {\n  %b = arith.addi %a, %i : index\n  scf.yield %b : index\n}"),
    index("r13-end", "%k = arith.constant 9223372036854775800 : index\n%v = scf.for %i = %c0 to %k step %max iter_args(%a = %c0) -> (index) {\n"
          "  %b = arith.addi %a, %i : index\n  scf.yield %b : index\n}"),
    # R14: each step fills.
    sequence("r14-denoise", "%a = quoin.extend %x by %c2\n%v = quoin.denoise %a[%c0 to %c5] {\n^bb0(%y: !quoin.sequence, %r: tensor<?xindex>):\n"
             "  quoin.yield %y\n}"),
    # R15: what is read are slots of the call.
    ids("r15-read", "%r = quoin.span %c1 to %c4\n" + FORWARD.replace("%rows", "%r") + "%v = quoin.score %l [token] : tensor<?xi32>"),
    ids("r15-read-negative", "%r = quoin.span %m1 to %c1\n" + FORWARD.replace("%rows", "%r") + "%v = quoin.score %l [token] : tensor<?xi32>"),
    # R16: positions, labels and symbols fit.
    sequence("r16-append", TOKENS + "%r = quoin.span %m1 to %c2\n%v = quoin.append %x, %ids at %r"),
    sequence("r16-append-far", TOKENS + FAR + "%j = arith.addi %k, %c3 : index\n%r = quoin.span %k to %j\n%v = quoin.append %x, %ids at %r"),
    *[ids(f"r16-{name}", full("%t") + lines + "%l = quoin.forward @model of %x[to %c3] then %t at %at label %g read %rows mask "
          "#quoin.mask<(q, k)[s] : k le q and s ge 0>[%s]\n%v = quoin.score %l [token] : tensor<?xi32>")
      for name, lines in [("position", "%at = quoin.span %m1 to %c1\n%s = arith.constant 1 : index\n" + full("%g", "index", element="%c1")),
                          ("position-capacity", FAR + "%b = arith.subi %k, %c2 : index\n%at = quoin.span %b to %k\n"
                           "%s = arith.constant 1 : index\n" + full("%g", "index", element="%c1")),
                          ("label", "%at = quoin.span %c3 to %c5\n%k = arith.constant 2147483648 : index\n%s = arith.constant 1 : index\n" +
                           full("%g", "index", element="%k")),
                          ("symbol", "%at = quoin.span %c3 to %c5\n%s = arith.constant 1099511627776 : index\n" + full("%g", "index", element="%c1"))]],
    ids("r16-append-label", "%k = arith.constant 2147483648 : index\n" + full("%t") + "%a = quoin.append %x, %t label %k\n%r = quoin.span %c0 to %c2\n%v = quoin.tokens %a at %r"),
    sequence("r16-insert-label", "%k = arith.constant 2147483648 : index\n" + full("%t") + "%v = quoin.insert %x at %c1, %t label %k"),
    sequence("r16-relabel", "%k = arith.constant -2147483649 : index\n" + full("%g", "index", "%c3", "%k") + "%v = quoin.relabel %x at %rows with %g"),
    sequence("r16-extend-label", "%k = arith.constant -2147483649 : index\n%v = quoin.extend %x by %c2 label %k"),
    # R17: what a program asserts.
    ("r17-assert", '%ok = arith.cmpi eq, %max, %c9 : index\ncf.assert %ok, "expects nine tokens to be asked for"\n' + END),
    # R18: logits are guided once, and sizes that types state are met.
    ids("r18-guide", FORWARD + "%g = arith.constant 1.0 : f32\n%m = quoin.guide %l over %l by %g\n%yes = arith.cmpi eq, %max, %c8 : index\n"
        "%k = arith.select %yes, %m, %l : !quoin.logits\n%o = quoin.guide %k over %l by %g\n%v = quoin.score %o [token] : tensor<?xi32>"),
    ids("r18-adjust", FORWARD + full("%t") + "%h = arith.constant 1.0 : f32\n" + full("%a", "f32", element="%h") + "%m = quoin.adjust %l at %t by %a\n"
        "%yes = arith.cmpi eq, %max, %c8 : index\n%k = arith.select %yes, %m, %l : !quoin.logits\n%o = quoin.adjust %k at %t by %a\n%v = quoin.score %o [token] : tensor<?xi32>"),
    ids("r18-guide-adjusted", FORWARD + full("%t") + "%h = arith.constant 1.0 : f32\n" + full("%a", "f32", element="%h") + "%m = quoin.adjust %l at %t by %a\n"
        "%yes = arith.cmpi eq, %max, %c8 : index\n%k = arith.select %yes, %m, %l : !quoin.logits\n%o = quoin.guide %l over %k by %h\n%v = quoin.score %o [token] : tensor<?xi32>"),
    positions("r18-cast", "%r = quoin.span %c0 to %max\n%w = tensor.cast %r : tensor<?xindex> to tensor<2xindex>\n"
              "%v = tensor.extract_slice %w[0] [%c1] [1] : tensor<2xindex> to tensor<?xindex>"),
]
# R7: without a fill token nothing is open.
WITHOUT_FILL = [
    sequence("r7-extend", "%v = quoin.extend %x by %c1"),
    sequence("r7-reopen", "%v = quoin.reopen %x[%c1 to %c2]"),
    ids("r7-setting", "%k = quoin.setting @fill : i32\n" + full("%v", element="%k")),
]
# What looks like an error and is none: the answers of three tokens and eight asked for.
FINE = [
    ("top-more", "%q = arith.constant 0.5 : f32\n" + full("%p", "f32", "%c3", "%q") + "%w = quoin.top %p, %n9\n%n = quoin.count %w\nquoin.return %x[%c0 to %n]\n", 3),
    ("fill-known", full("%t") + "%r = quoin.span %c0 to %c2\n%v = quoin.fill %x at %r with %t\nquoin.return %v[%c0 to %c3]\n", 3),
    ("fill-known-committed", full("%t") + "%a = quoin.commit %x to %c3\n%r = quoin.span %c0 to %c2\n%v = quoin.fill %a at %r with %t\n"
     "quoin.return %v[%c0 to %c3]\n", 3),
    ("edit-open", full("%t") + "%a = quoin.extend %x by %c2\n%r = quoin.span %c3 to %c5\n%v = quoin.edit %a at %r with %t\nquoin.return %v[%c0 to %c5]\n", 5),
    ("commit-lower", "%a = quoin.commit %x to %c3\n%b = quoin.commit %a to %c1\n%n = quoin.committed %b\nquoin.return %b[%c0 to %n]\n", 3),
    ("reopen-nothing", "%a = quoin.commit %x to %c3\n%b = quoin.reopen %a[%c3 to %c3]\n%n = quoin.committed %b\n%m = arith.addi %n, %c1 : index\n"
     "quoin.return %b[%c0 to %m]\n", 1),
    ("wrapped", "%k = arith.constant 9223372036854775807 : index\n%w = arith.addi %k, %c2 overflow<nsw, nuw> : index\n"
     "%lt = arith.cmpi slt, %w, %max : index\n%v = arith.select %lt, %c2, %c1 : index\nquoin.return %x[%c0 to %v]\n", 2),
    ("divided-exactly", "%w = arith.divui %max, %c3 exact : index\nquoin.return %x[%c0 to %w]\n", 2),
    ("empty-span", "%r = quoin.span %n9 to %m1\n%t = quoin.tokens %x at %r\n%y = quoin.append %x, %t\n%n = quoin.length %y\nquoin.return %y[%c0 to %n]\n", 3),
    ("slice-at-the-end", "%r = tensor.extract_slice %rows[%c3] [%z] [%c2] : tensor<?xindex> to tensor<?xindex>\n%t = quoin.tokens %x at %r\n"
     "%y = quoin.append %x, %t\n%n = quoin.length %y\nquoin.return %y[%c0 to %n]\n", 3),
]


class Programs:
    """All cases as decoders of one module, interpreted and compiled."""

    def __init__(self, cases, change=lambda text: text):
        self.cases, self.change, self.lock, self.top, self.answers = cases, change, threading.Lock(), None, None

    def make(self):
        with self.lock:
            if self.top:
                return
            top = tempfile.mkdtemp()
            hf, self.source = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "program.mlir")
            harness.tool("quoin-import", hf, "-o", self.source)
            text = open(self.source).read()
            before, _, model = modules.parts(text)
            bodies = "".join(f'quoin.decoder @"{name}"(%x, %max) settings {{}} {{\n{NUMBERS}{body}}}\n' for name, body, *_ in self.cases)
            with open(self.source, "w") as f:
                f.write(self.change(before) + bodies + model)
            for level in LEVELS:
                harness.tool("quoin-compile", self.source, "-o", os.path.join(top, "out" + level), level)
            self.top = top

    def run(self, name):
        """What the interpreter and each level answer: all requests are a line of one input, of which the wrong ones have an error."""
        self.make()
        with self.lock:
            if not self.answers:
                self.answers = self.ask()
        return [lines[name] for lines in self.answers]

    def ask(self):
        names, requests = [name for name, *_ in self.cases], os.path.join(self.top, "requests.jsonl")
        with open(requests, "w") as f:
            f.writelines(json.dumps(dict(ids=[1, 2, 3], max_tokens=8, decoder=name)) + "\n" for name in names)
        runs = [("quoin-interpret", self.source)] + [("quoin-run", os.path.join(self.top, "out" + level)) for level in LEVELS]
        all = []
        for tool, target in runs:
            process = harness.call(tool, target, "--input", requests, "--json")
            answers = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
            expect(len(answers) == len(names), f"{tool}: expects {len(names)} answers, but found {len(answers)}: {process.stderr[-400:]}")
            expect(process.returncode == int(any("error" in a for a in answers)), f"{tool}: expects to say whether one failed, but found {process.returncode}")
            all.append(dict(zip(names, answers)))
        return all


def says_the_same(programs, name):
    def test():
        meaning, *compiled = (answer.get("error", "") for answer in programs.run(name))
        found = re.search(r"'([a-z_.]+)' op (expects .*)", meaning)
        expect(found, f"expects an error of an op, but found: {meaning}")
        op, text = found[1], found[2].split("expects what it asserts, but ")[-1].strip()
        for level, error in zip(LEVELS, compiled):
            expect(text in error and "\n" not in error, f"{level}: expects '{text}', but found: {error}")
            # A range that a pass looks at first is that op's error.
            expect(op in error or name in ("r1-denoise", "r1-forward", "r17-assert"), f"{level}: expects '{op}' to be named, but found: {error}")
        return f"{op} {text}"
    return test


def runs(programs, name, size):
    def test():
        for answer in programs.run(name):
            expect("ids" in answer, f"expects to run, but found: {answer}")
            expect(len(answer["ids"]) == size, f"expects {size} ids, but found {answer['ids']}")
    return test


ERRORS, BARE = Programs(CASES), Programs(WITHOUT_FILL, lambda text: re.sub(r"quoin\.fill = \d+ : i32,", "", text))
RUNS = Programs([(name, body) for name, body, _ in FINE])

if __name__ == "__main__":
    try:
        harness.main([(n, says_the_same(ERRORS, n)) for n, _ in CASES] + [(n, says_the_same(BARE, n)) for n, _ in WITHOUT_FILL] +
                     [(n, runs(RUNS, n, size)) for n, _, size in FINE])
    finally:
        for programs in (ERRORS, BARE, RUNS):
            shutil.rmtree(programs.top or "", ignore_errors=True)
