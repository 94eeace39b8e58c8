// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-place-ends --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-place-ends=weights=f32 | FileCheck %s --check-prefix=ALIKE

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @b : tensor<4xf32> from "model.safetensors" tensor "b"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @v : tensor<4x4xbf16> from "model.safetensors" tensor "v"

// CHECK-LABEL: stage.step @a_product_that_others_read_is_not_taken_along
// CHECK: %[[P:.+]] = stage.product
// CHECK: stage.each_row %{{.+}}, %[[P]]
// CHECK: stage.each_row
quoin.model @a_product_that_others_read_is_not_taken_along head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %p = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %s = arith.addf %h, %p : tensor<?x4xf32>
  %t = arith.addf %s, %p : tensor<?x4xf32>
  quoin.hidden %t : tensor<?x4xf32>
}

// CHECK-LABEL: stage.step @a_gate_with_a_bias_is_not_taken_along
// CHECK: %[[G:.+]] = stage.product %{{.+}} by <@w>{{.*}} -> !stage.buffer<row, 4xf32>{{$}}
// CHECK: stage.product %{{.+}} with %[[G]]
// REMARK-DAG: [Missed] End | {{.*}}a product of its operands has a bias
quoin.model @a_gate_with_a_bias_is_not_taken_along head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %g = quoin.linear %h by @w bias @b : tensor<?x4xf32> -> tensor<?x4xf32>
  %u = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %s = quoin.swiglu %g, %u : tensor<?x4xf32>
  quoin.hidden %s : tensor<?x4xf32>
}

// CHECK-LABEL: stage.step @products_of_different_rows_do_not_join
// CHECK: %[[G:.+]] = stage.product %{{.+}} by <@w>{{.*}} -> !stage.buffer<row, 4xf32>{{$}}
// CHECK: stage.product %{{.+}} with %[[G]]
// REMARK-DAG: [Missed] End | {{.*}}the products of its operands read different rows
quoin.model @products_of_different_rows_do_not_join head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %r = quoin.rotary %h at %positions theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  %g = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %u = quoin.linear %r by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %s = quoin.swiglu %g, %u : tensor<?x4xf32>
  quoin.hidden %s : tensor<?x4xf32>
}

// Stored as they come they differ, as f32 they do not.
// CHECK-LABEL: stage.step @weights_of_different_types_do_not_join
// CHECK: %[[G:.+]] = stage.product %{{.+}} by <@w>{{.*}} -> !stage.buffer<row, 4xf32>{{$}}
// CHECK: stage.product %{{.+}} with %[[G]]
// ALIKE-LABEL: stage.step @weights_of_different_types_do_not_join
// ALIKE: stage.product %{{.+}} by <[@w, @v]> :
// REMARK-DAG: [Missed] End | {{.*}}the weights of its operands are stored as different types
quoin.model @weights_of_different_types_do_not_join head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %g = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %u = quoin.linear %h by @v : tensor<?x4xf32> -> tensor<?x4xf32>
  %s = quoin.swiglu %g, %u : tensor<?x4xf32>
  quoin.hidden %s : tensor<?x4xf32>
}

// CHECK-LABEL: stage.step @an_activation_of_no_products_stands_alone
// CHECK: stage.each_row %
quoin.model @an_activation_of_no_products_stands_alone head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %s = quoin.swiglu %h, %h : tensor<?x4xf32>
  quoin.hidden %s : tensor<?x4xf32>
}

// CHECK-LABEL: stage.step @a_norm_is_no_formula_on_elements
// CHECK: stage.product {{.*}} -> !stage.buffer<row, 4xf32>{{$}}
// CHECK: stage.each_row
// REMARK-DAG: [Missed] End | {{.*}}it reads a vector
quoin.model @a_norm_is_no_formula_on_elements head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %p = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = quoin.rms_norm %p by @b epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.hidden %n : tensor<?x4xf32>
}

// CHECK-LABEL: stage.step @heads_are_not_elements
// CHECK: stage.product {{.*}} -> !stage.buffer<row, 4xf32>{{$}}
// CHECK: stage.each_row
// REMARK-DAG: [Missed] End | {{.*}}it is no formula on elements
quoin.model @heads_are_not_elements head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %p = quoin.linear %h by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = quoin.unit_norm %p head_dim 2 : tensor<?x4xf32>
  quoin.hidden %n : tensor<?x4xf32>
}
