// One decoder at three phases: stateless, with a cache, and as a graph of blocks that suspend. All give the same ids and
// evaluations. A cache that keeps rows it may not keep gives others: the interpreter uses what the cache holds.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && python3 %S/Inputs/tiny.py %t && cp %s %t/cache.mlir
// RUN: quoin-interpret %t/cache.mlir --decoder stateless --prompt-ids 3,1,4,1,5 --max-tokens 7 --json > %t/stateless
// RUN: quoin-interpret %t/cache.mlir --decoder cached --prompt-ids 3,1,4,1,5 --max-tokens 7 --json > %t/cached
// RUN: quoin-interpret %t/cache.mlir --decoder suspended --prompt-ids 3,1,4,1,5 --max-tokens 7 --json > %t/suspended
// RUN: cat %t/stateless %t/cached %t/suspended | FileCheck %s
// RUN: quoin-interpret %t/cache.mlir --decoder stale --prompt-ids 3,1,4,1,5 --max-tokens 7 --json > %t/stale
// RUN: cat %t/stateless %t/stale | FileCheck %s --check-prefix=STALE
// RUN: not quoin-interpret %t/cache.mlir --decoder wrong_slots --prompt-ids 3,1,4,1,5 --max-tokens 32 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: not quoin-interpret %t/cache.mlir --decoder too_far --prompt-ids 3,1,4,1,5 --max-tokens 32 2>&1 | FileCheck %s --check-prefix=FAR

// CHECK: "ids":[[IDS:.*]],"text":"","stop":"length","evaluations":7,"forwards":8,"prefill_tokens":4,
// CHECK: "ids":[[IDS]],"text":"","stop":"length","evaluations":7,"forwards":8,"prefill_tokens":4,
// CHECK: "ids":[[IDS]],"text":"","stop":"length","evaluations":7,"forwards":7,"prefill_tokens":5,
// STALE: "ids":[[IDS:.*]],"text"
// STALE-NOT: "ids":[[IDS]],"text"

#block = #quoin.mask<block_causal<4>>

module attributes {quoin.fill = 15 : i32, quoin.vocabulary = 16 : index, quoin.capacity = 64 : index, quoin.source = "."} {
  quoin.decoder @stateless(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %P = quoin.length %x
    %end = arith.addi %P, %max : index
    %y = quoin.extend %x by %max
    %first = quoin.commit %y to %B by pass of @tiny mask #block
    %r = scf.for %lo = %B to %end step %B iter_args(%z = %first) -> (!quoin.sequence) {
      %hi = arith.addi %lo, %B : index
      %full = quoin.denoise %z[%lo to %hi] {
      ^bb0(%v: !quoin.sequence, %rows: tensor<?xindex>):
        %l = quoin.forward @tiny of %v[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %c1
        %next = quoin.fill %v at %rows with %token where %best
        quoin.yield %next
      }
      scf.yield %full : !quoin.sequence
    }
    quoin.return %r[%P to %end]
  }

  // Rows below the block's start are final as soon as the next block begins, which `reuse` finds out.
  quoin.decoder @cached(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %P = quoin.length %x
    %end = arith.addi %P, %max : index
    %y = quoin.extend %x by %max
    %cache = quoin.cache 0 of @tiny
    %none = quoin.forward_cached %cache from %c0 keep %B pass @tiny of %y[to %B] mask #block
    %first = quoin.commit %y to %B
    %r = scf.for %lo = %B to %end step %B iter_args(%z = %first) -> (!quoin.sequence) {
      %hi = arith.addi %lo, %B : index
      %full = quoin.denoise %z[%lo to %hi] {
      ^bb0(%v: !quoin.sequence, %rows: tensor<?xindex>):
        %same = quoin.reuse %cache of %v[to %hi] read %rows limit %hi
        %blocks = arith.divui %same, %B : index
        %from = arith.muli %blocks, %B : index
        %l = quoin.forward_cached %cache from %from keep %hi @tiny of %v[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %c1
        %next = quoin.fill %v at %rows with %token where %best
        quoin.yield %next
      }
      scf.yield %full : !quoin.sequence
    }
    quoin.return %r[%P to %end]
  }

  // The same without rounding down to the block's start: rows that saw open positions are kept.
  quoin.decoder @stale(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %P = quoin.length %x
    %end = arith.addi %P, %max : index
    %y = quoin.extend %x by %max
    %cache = quoin.cache 0 of @tiny
    %r = scf.for %lo = %B to %end step %B iter_args(%z = %y) -> (!quoin.sequence) {
      %hi = arith.addi %lo, %B : index
      %full = quoin.denoise %z[%lo to %hi] {
      ^bb0(%v: !quoin.sequence, %rows: tensor<?xindex>):
        %from = quoin.reuse %cache of %v[to %hi] read %rows limit %hi
        %l = quoin.forward_cached %cache from %from keep %hi @tiny of %v[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %c1
        %next = quoin.fill %v at %rows with %token where %best
        quoin.yield %next
      }
      scf.yield %full : !quoin.sequence
    }
    quoin.return %r[%P to %end]
  }

  // Without the pass: the first call takes the prompt.
  quoin.decoder @suspended(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %P = quoin.length %x
    %end = arith.addi %P, %max : index
    %y = quoin.extend %x by %max
    cf.br ^block(%y, %B : !quoin.sequence, index)
  ^block(%z: !quoin.sequence, %lo: index):
    %hi = arith.addi %lo, %B : index
    cf.br ^step(%z : !quoin.sequence)
  ^step(%v: !quoin.sequence):
    %rows = quoin.open %v[%lo to %hi]
    %n = tensor.dim %rows, %c0 : tensor<?xindex>
    %full = arith.cmpi eq, %n, %c0 : index
    cf.cond_br %full, ^next, ^call
  ^call:
    %cache = quoin.cache 0 of @tiny
    %same = quoin.reuse %cache of %v[to %hi] read %rows limit %hi
    %blocks = arith.divui %same, %B : index
    %from = arith.muli %blocks, %B : index
    quoin.suspend_forward @tiny cache %cache from %from keep %hi of %v[to %hi] read %rows mask #block
        ^hidden(%v, %rows : !quoin.sequence, tensor<?xindex>)
  ^hidden(%l: !quoin.logits, %v1: !quoin.sequence, %rows1: tensor<?xindex>):
    quoin.suspend_score %l [token, confidence] ^scored(%v1, %rows1 : !quoin.sequence, tensor<?xindex>)
  ^scored(%token: tensor<?xi32>, %confidence: tensor<?xf32>, %v2: !quoin.sequence, %rows2: tensor<?xindex>):
    %best = quoin.top %confidence, %c1
    %filled = quoin.fill %v2 at %rows2 with %token where %best
    cf.br ^step(%filled : !quoin.sequence)
  ^next:
    %more = arith.cmpi ult, %hi, %end : index
    cf.cond_br %more, ^block(%v, %hi : !quoin.sequence, index), ^end
  ^end:
    quoin.return %v[%P to %end]
  }

  // WRONG: error: 'quoin.forward_cached' op expects slot 1 of the cache to hold token 7 at position 1, but found token 1 at position 1
  quoin.decoder @wrong_slots(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %cache = quoin.cache 0 of @tiny
    %none = quoin.forward_cached %cache from %c0 keep %B pass @tiny of %x[to %B] mask #block
    %rows = quoin.span %c1 to %B
    %seven = arith.constant 7 : i32
    %ids = tensor.splat %seven[%c1] : tensor<?xi32>
    %row = tensor.extract_slice %rows[0] [%c1] [1] : tensor<?xindex> to tensor<?xindex>
    %y = quoin.edit %x at %row with %ids
    %again = quoin.forward_cached %cache from %B keep %B pass @tiny of %y[to %B] mask #block
    quoin.return %x[%c0 to %c0]
  }

  // FAR: error: 'quoin.forward_cached' op expects to run from a slot that the cache reaches, but it holds 0 and 'from' is 1
  quoin.decoder @too_far(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %cache = quoin.cache 0 of @tiny
    %none = quoin.forward_cached %cache from %c1 keep %B pass @tiny of %x[to %B] mask #block
    quoin.return %x[%c0 to %c0]
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
