"""Modules in the form that quoin-import writes them, taken apart and put together: tests put decoders of their own over its model."""


def parts(text):
    """What stands before the decoders, the decoders, and the model with its weights."""
    a, b = text.index("  quoin.decoder"), text.index("  // Hidden rows")
    return text[:a], text[a:b], text[b:]


def with_decoders(text, decoders, masks=""):
    """The module with other decoders; `masks` are definitions of attributes before it."""
    before, _, model = parts(text)
    return masks + before + decoders + model


def with_file(text, path):
    """The same from a file that has its masks and its decoders divided by a line `// @@`."""
    masks, decoders = open(path).read().split("  // @@\n")
    return with_decoders(text, decoders, masks)


def blockwise(name, step, block=4, settings="", before="", commit=None, model="model"):
    """A decoder that fills a block after the other, each by a `denoise`.

    `step` is that one's body, with the sequence %y, the open %rows, the block's end %hi and the numbers %c0, %c1; `before` stands in
    front of it all. What is decoded is passed through the model once more under the mask `commit`, if there is one.
    """
    def committed(to, x, end):
        return f"%{to} = quoin.commit %{x} to %{end} by pass of @{model} mask {commit}" if commit else ""
    return f"""
  quoin.decoder @"{name}"(%prompt, %max) settings {{{settings}}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant {block} : index
{before}
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %blocks = arith.ceildivui %want, %B : index
    %end = arith.muli %blocks, %B : index
    %grow = arith.subi %end, %P : index
    %tail = arith.remui %P, %B : index
    %start = arith.subi %P, %tail : index
    %x0 = quoin.extend %prompt by %grow
    {committed("x1", "x0", "start")}
    %xe = scf.for %lo = %start to %end step %B iter_args(%x = %{"x1" if commit else "x0"}) -> (!quoin.sequence) {{
      %hi = arith.addi %lo, %B : index
      %full = quoin.denoise %x[%lo to %hi] {{
      ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>):
{step}
        quoin.yield %z
      }}
      {committed("done", "full", "hi")}
      scf.yield %{"done" if commit else "full"} : !quoin.sequence
    }}
    quoin.return %xe[%P to %end]
  }}
"""
