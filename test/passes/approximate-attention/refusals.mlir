// RUN: quoin-opt %s --quoin-approximate-attention=refresh=2 --split-input-file --remarks-filter='quoin-approximate-attention' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: not quoin-opt %s --quoin-approximate-attention --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: expects a refresh interval of at least 1, but found 0
// CHECK-NOT: quoin.inexact
// CHECK-NOT: quoin.model @{{.+}}.parts
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
quoin.model @without head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.model @more head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}

// Rows of both are scored together, so they have to be of one model.
// REMARK: [Missed] Call | {{.*}}its scores are guided
// REMARK: [Missed] Call | {{.*}}its scores are guided
quoin.decoder @guided(%prompt, %max) settings {} {
  %c0 = arith.constant 0 : index
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %max
  %n = quoin.length %x
  %half = arith.constant 0.5 : f32
  %y = quoin.denoise %x[%a to %n] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @m of %now[to %n] read %rows mask #quoin.mask<full>
    %u = quoin.reopen %now[%c0 to %a]
    %lu = quoin.forward @m of %u[to %n] read %rows mask #quoin.mask<full>
    %lg = quoin.guide %l over %lu by %half
    %ids = quoin.score %lg [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%a to %n]
}

// REMARK: [Missed] Call | {{.*}}it stands in a branch of its loop
quoin.decoder @in_a_branch(%prompt, %max) settings {} {
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %max
  %n = quoin.length %x
  %y = quoin.denoise %x[%a to %n] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %first = quoin.first_open %now[%a to %n]
    %some = arith.cmpi eq, %first, %a : index
    %ids = scf.if %some -> (tensor<?xi32>) {
      %l = quoin.forward @m of %now[to %n] read %rows mask #quoin.mask<full>
      %t = quoin.score %l [token] : tensor<?xi32>
      scf.yield %t : tensor<?xi32>
    } else {
      %t = quoin.tokens %now at %rows
      scf.yield %t : tensor<?xi32>
    }
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%a to %n]
}

// REMARK: [Missed] Call | {{.*}}its model has no attention
quoin.decoder @no_attention(%prompt, %max) settings {} {
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %max
  %n = quoin.length %x
  %y = quoin.denoise %x[%a to %n] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @without of %now[to %n] read %rows mask #quoin.mask<full>
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%a to %n]
}

// REMARK: [Missed] Call | {{.*}}its model takes or gives more than a model of tokens
quoin.decoder @more_results(%prompt, %max) settings {} {
  %a = quoin.length %prompt
  %x = quoin.extend %prompt by %max
  %n = quoin.length %x
  %y = quoin.denoise %x[%a to %n] {
  ^bb0(%now: !quoin.sequence, %rows: tensor<?xindex>):
    %l, %h = quoin.forward @more of %now[to %n] read %rows mask #quoin.mask<full> -> !quoin.logits, tensor<?x4xf32>
    %ids = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %now at %rows with %ids
    quoin.yield %z
  }
  quoin.return %y[%a to %n]
}
