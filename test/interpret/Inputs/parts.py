"""A model whose attention is in N parts over keys of their own, merged one after the other; behind M further values.

    parts.py N M
"""
import sys

COUNT, FURTHER = map(int, sys.argv[1:])
ROW = "tensor<?x1xf32>"
print(f"""quoin.weight @q : tensor<4x1xf32> from "w.safetensors" tensor "q"
quoin.weight @v : tensor<4x1xf32> from "w.safetensors" tensor "v"
quoin.weight @head : tensor<2x1xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {{
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %q = quoin.embed %ids by @q : {ROW}
  %m0 = quoin.embed %ids by @v : {ROW}""")
for i in range(FURTHER):
    print(f"  %m{i + 1} = arith.addf %m{i}, %q : {ROW}")
for i in range(COUNT):
    print(f"  %p{i}, %s{i} = quoin.attention %q, %q, %m{FURTHER} heads 1 kv_heads 1 head_dim 1 within #quoin.mask<(q, k) : k mod {COUNT} eq {i}> scale 1.0 : "
          f"{ROW}, {ROW}, {ROW} lse {ROW}")
out, total = "p0", "s0"
for i in range(1, COUNT):
    print(f"  %o{i}, %l{i} = quoin.merge_attention %{out}, %{total} with %p{i}, %s{i} : {ROW}, {ROW}")
    out, total = f"o{i}", f"l{i}"
print(f"  quoin.hidden %{out} : {ROW}\n}}")
