// A token that is known behind an open one is stored before it. The decoders fill positions 3 and 4 behind an open 2, call
// the model twice, and return as many positions as the second call finds in the cache: sorted, the prompt and both tokens;
// in the order of positions, the prompt alone. Both score the same token at 2, which ends the answer.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && python3 %S/Inputs/tiny.py %t && cp %s %t/order.mlir
// RUN: quoin-interpret %t/order.mlir --decoder by_position --prompt-ids 3,1 --max-tokens 32 --json > %t/by_position
// RUN: quoin-interpret %t/order.mlir --decoder sorted --prompt-ids 3,1 --max-tokens 32 --json > %t/sorted
// RUN: cat %t/by_position %t/sorted | FileCheck %s
// RUN: not quoin-interpret %t/order.mlir --decoder outside --prompt-ids 3,1 --max-tokens 32 2>&1 | FileCheck %s --check-prefix=OUTSIDE

// CHECK: "ids":[3,1,[[TOKEN:[0-9]+]]],"text"
// CHECK: "ids":[3,1,{{[0-9]+}},{{[0-9]+}},[[TOKEN]]],"text"
// OUTSIDE: expects positions in [0, 3), but found 3

#observed_first = #quoin.mask<observed_first>

module attributes {quoin.fill = 15 : i32, quoin.vocabulary = 16 : index, quoin.capacity = 64 : index, quoin.source = "."} {
  quoin.decoder @by_position(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c5 = arith.constant 5 : index
    %y = quoin.extend %x by %c3
    %behind = quoin.span %c3 to %c5
    %cache = quoin.cache 0 of @tiny
    %l0 = quoin.forward_cached %cache from %c0 keep %c2 @tiny of %y[to %c5] read %behind mask #observed_first
    %t0 = quoin.score %l0 [token] : tensor<?xi32>
    %z = quoin.fill %y at %behind with %t0
    %rows = quoin.open %z[%c0 to %c5]
    %v1 = quoin.reuse %cache of %z[to %c5] limit %c5
    %l1 = quoin.forward_cached %cache from %v1 keep %c2 @tiny of %z[to %c5] read %rows mask #observed_first
    %v = quoin.reuse %cache of %z[to %c5] limit %c5
    %l = quoin.forward_cached %cache from %v keep %c2 @tiny of %z[to %c5] read %rows mask #observed_first
    %t = quoin.score %l [token] : tensor<?xi32>
    %order = quoin.span %c3 to %c5
    %two = quoin.tokens %z at %order
    %held = arith.subi %v, %c2 : index
    %kept = tensor.extract_slice %two[0] [%held] [1] : tensor<?xi32> to tensor<?xi32>
    %a = quoin.append %x, %kept
    %answer = quoin.append %a, %t
    %n = quoin.length %answer
    quoin.return %answer[%c0 to %n]
  }

  quoin.decoder @sorted(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c5 = arith.constant 5 : index
    %y = quoin.extend %x by %c3
    %behind = quoin.span %c3 to %c5
    %cache = quoin.cache 0 of @tiny
    %y1, %s0, %k0 = quoin.permute_tokens %y[to %c5] by open read %behind
    %l0 = quoin.forward_cached %cache from %c0 keep %k0 @tiny of %y1[to %c5] read %s0 mask #observed_first
    %t0 = quoin.score %l0 [token] : tensor<?xi32>
    %z = quoin.fill %y at %behind with %t0
    %rows = quoin.open %z[%c0 to %c5]
    %z1, %s1, %k1 = quoin.permute_tokens %z[to %c5] by open read %rows
    %v1 = quoin.reuse %cache of %z1[to %c5] read %s1 limit %k1
    %l1 = quoin.forward_cached %cache from %v1 keep %k1 @tiny of %z1[to %c5] read %s1 mask #observed_first
    %v = quoin.reuse %cache of %z1[to %c5] read %s1 limit %k1
    %l = quoin.forward_cached %cache from %v keep %k1 @tiny of %z1[to %c5] read %s1 mask #observed_first
    %t = quoin.score %l [token] : tensor<?xi32>
    // The tokens at 3 and 4 as far as the cache held slots behind the prompt.
    %order = quoin.span %c3 to %c5
    %two = quoin.tokens %z at %order
    %held = arith.subi %v, %c2 : index
    %kept = tensor.extract_slice %two[0] [%held] [1] : tensor<?xi32> to tensor<?xi32>
    %a = quoin.append %x, %kept
    %answer = quoin.append %a, %t
    %n = quoin.length %answer
    quoin.return %answer[%c0 to %n]
  }

  quoin.decoder @outside(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %y = quoin.extend %x by %c3
    %c4 = arith.constant 4 : index
    %rows = quoin.span %c0 to %c4
    %y1, %s, %k = quoin.permute_tokens %y[to %c3] by open read %rows
    %l = quoin.forward @tiny of %y1[to %c3] read %s mask #observed_first
    quoin.return %y[%c0 to %c0]
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
