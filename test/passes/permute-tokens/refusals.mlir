// RUN: quoin-opt %s --quoin-infer-cache --quoin-permute-tokens --remarks-filter='quoin-permute-tokens' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-NOT: quoin.permute_tokens

// SDLM's window is a clique.
// REMARK-DAG: mask (q, k)[a] : k le q or q ge a and k ge a compares no run-time property of tokens, no sort makes it causal
quoin.decoder @a_clique(%x, %max) settings {} {
  %n = quoin.length %x
  %rows = quoin.open %x[%n to %n]
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<context_causal>[%max]
  quoin.return %x[%n to %n]
}

// Open rows see each other: known ones come first, but the open ones are a clique.
// REMARK-DAG: mask (q, k) : open(k) lt open(q) or open(k) eq 1 and open(q) eq 1 or open(q) eq 0 and open(k) eq 0 and k le q is not provably causal after a sort by open
quoin.decoder @open_rows_see_each_other(%x, %max) settings {} {
  %n = quoin.length %x
  %rows = quoin.open %x[%n to %n]
  %l = quoin.forward @m of %x[to %n] read %rows
      mask #quoin.mask<(q, k) : open(k) lt open(q) or open(k) eq 1 and open(q) eq 1 or open(q) eq 0 and open(k) eq 0 and k le q>
  quoin.return %x[%n to %n]
}

// Slots are what the sort changes.
// REMARK-DAG: mask (q, k) : open(k) le open(q) and slot(k) le slot(q) is not provably causal after a sort by open
quoin.decoder @slots(%x, %max) settings {} {
  %n = quoin.length %x
  %rows = quoin.open %x[%n to %n]
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<(q, k) : open(k) le open(q) and slot(k) le slot(q)>
  quoin.return %x[%n to %n]
}

// REMARK-DAG: the call has rows of its own behind the sequence
quoin.decoder @then_rows(%x, %max) settings {} {
  %n = quoin.length %x
  %rows = quoin.open %x[%n to %n]
  %ids = quoin.tokens %x at %rows
  %l = quoin.forward @m of %x[to %n] then %ids at %rows read %rows mask #quoin.mask<observed_first>
  quoin.return %x[%n to %n]
}

// The pass that the published engine makes sees less among known tokens: what it writes is not what the forward computes.
// REMARK-DAG: masks (q, k) : (open(k) lt open(q) or open(k) eq open(q) and k le q) and q - k lt 4 and (q, k) : open(k) lt open(q) or open(k) eq open(q) and k le q do not provably agree on known tokens
quoin.decoder @masks_that_disagree(%x, %max) settings {} {
  %n = quoin.length %x
  %y = quoin.commit %x to %n by pass of @m
      mask #quoin.mask<(q, k) : (open(k) lt open(q) or open(k) eq open(q) and k le q) and q - k lt 4>
  %rows = quoin.open %y[%n to %n]
  %l = quoin.forward @m of %y[to %n] read %rows mask #quoin.mask<observed_first>
  quoin.return %y[%n to %n]
}
