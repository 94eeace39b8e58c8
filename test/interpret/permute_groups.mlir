// Tokens of one key see each other, so what is kept and what is taken ends where a group does. Positions 0, 2, 4 are known and come
// first, 1 and 3 follow and 3 is open: the first call keeps three slots. Answers are as many tokens as were kept, the fill
// token 15 of the open position, and as many tokens as a second call takes.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && python3 %S/Inputs/tiny.py %t && cp %s %t/groups.mlir
// RUN: quoin-interpret %t/groups.mlir --decoder again --prompt-ids 3,1 --max-tokens 32 --json | FileCheck %s --check-prefix=AGAIN
// RUN: quoin-interpret %t/groups.mlir --decoder shorter --prompt-ids 3,1 --max-tokens 32 --json | FileCheck %s --check-prefix=SHORTER
// RUN: quoin-interpret %t/groups.mlir --decoder edited --prompt-ids 3,1 --max-tokens 32 --json | FileCheck %s --check-prefix=EDITED
// RUN: quoin-compile %t/groups.mlir -o %t/out --quiet
// RUN: quoin-run %t/out --decoder again --prompt-ids 3,1 --max-tokens 20 --json | FileCheck %s --check-prefix=AGAIN
// RUN: quoin-run %t/out --decoder shorter --prompt-ids 3,1 --max-tokens 20 --json | FileCheck %s --check-prefix=SHORTER
// RUN: quoin-run %t/out --decoder edited --prompt-ids 3,1 --max-tokens 20 --json | FileCheck %s --check-prefix=EDITED

// AGAIN: "ids":[3,1,3,15,3,1,3]
// Without position 4 the first group is smaller; its rows saw more when they were kept.
// SHORTER: "ids":[3,1,3,15]
// SHORTER-NOT: "ids":[3,1,3,15,
// A change at position 4 leaves 0 and 2 as they were, but not what they see.
// EDITED: "ids":[3,1,3,15]

#turns = #quoin.mask<(q, k) : k mod 2 le q mod 2>

module attributes {quoin.fill = 15 : i32, quoin.vocabulary = 16 : index, quoin.capacity = 64 : index, quoin.source = "."} {
  quoin.decoder @again(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %open = quoin.extend %x by %c3
    %even = tensor.from_elements %c2, %c4 : tensor<2xindex>
    %at = tensor.cast %even : tensor<2xindex> to tensor<?xindex>
    %known = quoin.span %c0 to %c2
    %ids = quoin.tokens %x at %known
    %y = quoin.fill %open at %at with %ids
    %rows = quoin.span %c3 to %c4
    %cache = quoin.cache 0 of @tiny
    %y1, %s1, %k1 = quoin.permute_tokens %y[to %c5] by position affine_map<(p) -> (p mod 2)> groups read %rows
    %l1 = quoin.forward_cached %cache from %c0 keep %k1 @tiny of %y1[to %c5] read %s1 mask #turns
    %z = quoin.extend %y by %c0
    %z1, %s2, %k2 = quoin.permute_tokens %z[to %c5] by position affine_map<(p) -> (p mod 2)> groups read %rows
    %v = quoin.reuse %cache of %z1[to %c5] read %s2 limit %c5
    %l2 = quoin.forward_cached %cache from %v keep %k2 @tiny of %z1[to %c5] read %s2 mask #turns
    // As many tokens as slots could be taken, after as many as were kept.
    %span = quoin.span %c0 to %c5
    %all = quoin.tokens %y at %span
    %kept = tensor.extract_slice %all[0] [%k1] [1] : tensor<?xi32> to tensor<?xi32>
    %taken = tensor.extract_slice %all[0] [%v] [1] : tensor<?xi32> to tensor<?xi32>
    %mark = tensor.extract_slice %all[3] [1] [1] : tensor<?xi32> to tensor<1xi32>
    %marks = tensor.cast %mark : tensor<1xi32> to tensor<?xi32>
    %a0 = quoin.append %x, %kept
    %a1 = quoin.append %a0, %marks
    %a2 = quoin.append %a1, %taken
    %n = quoin.length %a2
    quoin.return %a2[%c2 to %n]
  }

  quoin.decoder @shorter(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %open = quoin.extend %x by %c3
    %even = tensor.from_elements %c2, %c4 : tensor<2xindex>
    %at = tensor.cast %even : tensor<2xindex> to tensor<?xindex>
    %known = quoin.span %c0 to %c2
    %ids = quoin.tokens %x at %known
    %y = quoin.fill %open at %at with %ids
    %rows = quoin.span %c3 to %c4
    %cache = quoin.cache 0 of @tiny
    %y1, %s1, %k1 = quoin.permute_tokens %y[to %c5] by position affine_map<(p) -> (p mod 2)> groups read %rows
    %l1 = quoin.forward_cached %cache from %c0 keep %k1 @tiny of %y1[to %c5] read %s1 mask #turns
    %z = quoin.extend %y by %c0
    %z1, %s2, %k2 = quoin.permute_tokens %z[to %c4] by position affine_map<(p) -> (p mod 2)> groups read %rows
    %v = quoin.reuse %cache of %z1[to %c4] read %s2 limit %c4
    %l2 = quoin.forward_cached %cache from %v keep %k2 @tiny of %z1[to %c4] read %s2 mask #turns
    // As many tokens as slots could be taken, after as many as were kept.
    %span = quoin.span %c0 to %c5
    %all = quoin.tokens %y at %span
    %kept = tensor.extract_slice %all[0] [%k1] [1] : tensor<?xi32> to tensor<?xi32>
    %taken = tensor.extract_slice %all[0] [%v] [1] : tensor<?xi32> to tensor<?xi32>
    %mark = tensor.extract_slice %all[3] [1] [1] : tensor<?xi32> to tensor<1xi32>
    %marks = tensor.cast %mark : tensor<1xi32> to tensor<?xi32>
    %a0 = quoin.append %x, %kept
    %a1 = quoin.append %a0, %marks
    %a2 = quoin.append %a1, %taken
    %n = quoin.length %a2
    quoin.return %a2[%c2 to %n]
  }

  quoin.decoder @edited(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %open = quoin.extend %x by %c3
    %even = tensor.from_elements %c2, %c4 : tensor<2xindex>
    %at = tensor.cast %even : tensor<2xindex> to tensor<?xindex>
    %known = quoin.span %c0 to %c2
    %ids = quoin.tokens %x at %known
    %y = quoin.fill %open at %at with %ids
    %rows = quoin.span %c3 to %c4
    %cache = quoin.cache 0 of @tiny
    %y1, %s1, %k1 = quoin.permute_tokens %y[to %c5] by position affine_map<(p) -> (p mod 2)> groups read %rows
    %l1 = quoin.forward_cached %cache from %c0 keep %k1 @tiny of %y1[to %c5] read %s1 mask #turns
    %last = quoin.span %c4 to %c5
    %c1 = arith.constant 1 : index
    %first = quoin.span %c0 to %c1
    %new = quoin.tokens %x at %first
    %z = quoin.edit %y at %last with %new
    %z1, %s2, %k2 = quoin.permute_tokens %z[to %c5] by position affine_map<(p) -> (p mod 2)> groups read %rows
    %v = quoin.reuse %cache of %z1[to %c5] read %s2 limit %c5
    %l2 = quoin.forward_cached %cache from %v keep %k2 @tiny of %z1[to %c5] read %s2 mask #turns
    // As many tokens as slots could be taken, after as many as were kept.
    %span = quoin.span %c0 to %c5
    %all = quoin.tokens %y at %span
    %kept = tensor.extract_slice %all[0] [%k1] [1] : tensor<?xi32> to tensor<?xi32>
    %taken = tensor.extract_slice %all[0] [%v] [1] : tensor<?xi32> to tensor<?xi32>
    %mark = tensor.extract_slice %all[3] [1] [1] : tensor<?xi32> to tensor<1xi32>
    %marks = tensor.cast %mark : tensor<1xi32> to tensor<?xi32>
    %a0 = quoin.append %x, %kept
    %a1 = quoin.append %a0, %marks
    %a2 = quoin.append %a1, %taken
    %n = quoin.length %a2
    quoin.return %a2[%c2 to %n]
  }

  quoin.model @tiny head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %h = quoin.embed %ids by @embed : tensor<?x8xf32>
    %n = quoin.rms_norm %h by @norm epsilon 1.0e-6 : tensor<?x8xf32>
    %q = quoin.linear %n by @q : tensor<?x8xf32> -> tensor<?x8xf32>
    %k = quoin.linear %n by @k : tensor<?x8xf32> -> tensor<?x8xf32>
    %v = quoin.linear %n by @v : tensor<?x8xf32> -> tensor<?x8xf32>
    %qr = quoin.rotary %q at %positions theta 100.0 head_dim 4 : tensor<?x8xf32>
    %kr = quoin.rotary %k at %positions theta 100.0 head_dim 4 : tensor<?x8xf32>
    %a = quoin.attention %qr, %kr, %v heads 2 kv_heads 2 head_dim 4 scale 0.5 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
    %o = quoin.linear %a by @o : tensor<?x8xf32> -> tensor<?x8xf32>
    %h1 = arith.addf %h, %o : tensor<?x8xf32>
    %gate = quoin.linear %h1 by @gate : tensor<?x8xf32> -> tensor<?x12xf32>
    %up = quoin.linear %h1 by @up : tensor<?x8xf32> -> tensor<?x12xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x12xf32>
    %down = quoin.linear %act by @down : tensor<?x12xf32> -> tensor<?x8xf32>
    %h2 = arith.addf %h1, %down : tensor<?x8xf32>
    // A second layer over the same weights: one alone would not show keys and values that are stale.
    %k2 = quoin.linear %h2 by @k : tensor<?x8xf32> -> tensor<?x8xf32>
    %v2 = quoin.linear %h2 by @v : tensor<?x8xf32> -> tensor<?x8xf32>
    %a2 = quoin.attention %h2, %k2, %v2 heads 2 kv_heads 2 head_dim 4 scale 0.5 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
    %h3 = arith.addf %h2, %a2 : tensor<?x8xf32>
    quoin.hidden %h3 : tensor<?x8xf32>
  }
  quoin.weight @embed : tensor<16x8xf32> from "tiny.safetensors" tensor "embed"
  quoin.weight @norm : tensor<8xf32> from "tiny.safetensors" tensor "norm"
  quoin.weight @q : tensor<8x8xf32> from "tiny.safetensors" tensor "q"
  quoin.weight @k : tensor<8x8xf32> from "tiny.safetensors" tensor "k"
  quoin.weight @v : tensor<8x8xf32> from "tiny.safetensors" tensor "v"
  quoin.weight @o : tensor<8x8xf32> from "tiny.safetensors" tensor "o"
  quoin.weight @gate : tensor<12x8xf32> from "tiny.safetensors" tensor "gate"
  quoin.weight @up : tensor<12x8xf32> from "tiny.safetensors" tensor "up"
  quoin.weight @down : tensor<8x12xf32> from "tiny.safetensors" tensor "down"
  quoin.weight @head : tensor<16x8xf32> from "tiny.safetensors" tensor "head"
}
