// RUN: quoin-opt %s --quoin-prune-rows --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"

// The norm is also a key: all of its rows are needed.
// CHECK-LABEL: quoin.model @a_row_needed_elsewhere_is_not_pruned
// CHECK: %[[N:.+]] = quoin.rms_norm %[[H:.+]] by
// CHECK: quoin.gather_rows %[[N]]
// CHECK: quoin.attention %{{.+}}, %[[N]], %[[N]] rows
// REMARK-DAG: [Missed] Gather | {{.*}}all of its rows are needed elsewhere
quoin.model @a_row_needed_elsewhere_is_not_pruned head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %n = quoin.rms_norm %h by @n epsilon 1.0e-6 : tensor<?x4xf32>
  %a = quoin.attention %n, %n, %n heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %a : tensor<?x4xf32>
}

// CHECK-LABEL: quoin.model @a_pruned_model_stays
// CHECK: quoin.gather_rows
// CHECK-NOT: quoin.gather_rows
// REMARK-DAG: [Missed] Model | {{.*}}the model already yields read rows only
quoin.model @a_pruned_model_stays head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %r = quoin.gather_rows %h at %read : tensor<?x4xf32>
  quoin.hidden %r : tensor<?x4xf32>
}

// Who applies it reads all rows.
// CHECK-LABEL: quoin.model @without_a_head_all_rows_are_read
// CHECK-NOT: quoin.gather_rows
// REMARK-DAG: [Missed] Model | {{.*}}a function of rows runs the rows it is given
quoin.model @without_a_head_all_rows_are_read {
^bb0(%x: tensor<?x4xf32>):
  %n = quoin.rms_norm %x by @n epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.results %n : tensor<?x4xf32>
}

// A recurrence runs all rows, and so does what it reads.
// CHECK-LABEL: quoin.model @a_recurrence_runs_all_rows
// CHECK: %[[N:.+]] = quoin.rms_norm %{{.+}} by
// CHECK: %[[Y:.+]] = quoin.scan %[[N]]
// CHECK: quoin.gather_rows %[[Y]]
// REMARK-DAG: [Missed] Gather | {{.*}}it does not work row by row
quoin.model @a_recurrence_runs_all_rows head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %n = quoin.rms_norm %h by @n epsilon 1.0e-6 : tensor<?x4xf32>
  %y = quoin.scan %n heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %y : tensor<?x4xf32>
}
