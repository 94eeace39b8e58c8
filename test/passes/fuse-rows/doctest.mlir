// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-fuse-rows | FileCheck %s
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-fuse-rows --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-fuse-rows --remarks-filter='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"

// The row of a table, a scaled row, its sum with another and the norm of that become one program; the sum, which others read, is a result of it. What is a
// product of the one and part of a sum of the other is rounded first.
// CHECK-LABEL: stage.step @m {
// CHECK: %[[Y:.+]]:2 = stage.each_row %ids by [#stage.weight<@w>, #stage.weight<@w>] tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> (!stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32>) {
// CHECK-NEXT: ^bb0(%{{.+}}: index, %[[V:.+]]: tensor<4xf32>, %{{.+}}: tensor<4xf32>, %[[X:.+]]: tensor<4xf32>):
// CHECK-NEXT: %[[P:.+]] = arith.mulf %[[X]], %[[V]] {quoin.rounded} : tensor<4xf32>
// CHECK-NEXT: %[[S:.+]] = arith.addf %[[X]], %[[P]] : tensor<4xf32>
// CHECK: linalg.reduce
// CHECK: quoin.row %[[S]], %{{.+}} : tensor<4xf32>, tensor<4xf32>
// CHECK-NOT: stage.each_row
// CHECK: stage.cache %[[Y]]#0, %[[Y]]#1
// COUNT: fuse-rows num-programs-fused 3
// REMARK: [Passed] Rows | {{.*}}3 row programs became part of another
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %p = quoin.each_row %h by [@w] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%x: tensor<4xf32>, %w: tensor<4xf32>):
    %y = arith.mulf %x, %w : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %s = arith.addf %h, %p : tensor<?x4xf32>
  %n = quoin.rms_norm %s by @w epsilon 1.0e-6 : tensor<?x4xf32>
  %a = quoin.attention %n, %s, %n heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %a : tensor<?x4xf32>
}
