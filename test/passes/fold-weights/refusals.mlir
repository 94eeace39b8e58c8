// What depends on positions changes with the call; a vector as each row is as it should be.
// RUN: quoin-opt %s --quoin-fold-weights --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @v : tensor<4xf32> from "model.safetensors" tensor "v"

// CHECK-LABEL: quoin.model @changes
// CHECK: %[[P:.+]] = quoin.each_row %{{.+}} by [@v] : (tensor<?xindex>) -> tensor<?x4xf32>
// CHECK: %[[V:.+]] = quoin.each_row %{{.+}} by [@v] : (tensor<?xindex>) -> tensor<?x4xf32>
// CHECK: quoin.swiglu %[[P]], %[[V]]
// REMARK: [Missed] Model | {{.*}}every row that is read depends on the call
quoin.model @changes head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %p = quoin.each_row %positions by [@v] : (tensor<?xindex>) -> tensor<?x4xf32> {
  ^bb0(%at: index, %v: tensor<4xf32>):
    %i = arith.index_cast %at : index to i32
    %f = arith.sitofp %i : i32 to f32
    %s = tensor.splat %f : tensor<4xf32>
    %y = arith.mulf %s, %v : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %v = quoin.each_row %positions by [@v] : (tensor<?xindex>) -> tensor<?x4xf32> {
  ^bb0(%at: index, %v: tensor<4xf32>):
    quoin.row %v : tensor<4xf32>
  }
  %z = quoin.swiglu %p, %v : tensor<?x4xf32>
  quoin.hidden %z : tensor<?x4xf32>
}
