// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: stage.step @body
// CHECK: stage.attend %{{.+}}, %{{.+}} under %{{.+}} heads 2 scale 5.000000e-01 : !stage.buffer<row, 4xf32>, !stage.pages<2x2xf32> -> !stage.buffer<row, 4xf32>
// CHECK: stage.attend %{{.+}} place 0 lse_place 1 : !stage.buffer<row, 4xf32>, !stage.pages<2x2xf32> -> !stage.buffer<row, 4xf32> lse !stage.buffer<row, 2xf32>
// CHECK: stage.attend barrier %{{.+}}, %{{.+}} under %{{.+}} rows %{{.+}} heads 2 scale 5.000000e-01 place 0 : !stage.buffer<read, 4xf32>, !stage.pages<2x2xf32> -> !stage.buffer<read, 4xbf16>
stage.step @body places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  %1 = stage.attend %0, %kv under %words heads 2 scale 0.5 : !row, !stage.pages<2x2xf32> -> !row
  %3, %sum = stage.attend %0, %kv under %words heads 2 scale 0.5 place 0 lse_place 1 : !row, !stage.pages<2x2xf32> -> !row lse !stage.buffer<row, 2xf32>
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %2 = stage.attend barrier %r, %kv under %words rows %read heads 2 scale 0.5 place 0 : !read, !stage.pages<2x2xf32> -> !stage.buffer<read, 4xbf16>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// Attention by itself: queries and results lie where the host has them, keys are no slots of the step.
!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
// CHECK-LABEL: stage.step @by_itself
// CHECK: stage.masks of <(q, k) : slot(k) le slot(q)>
// CHECK: stage.cache sorted %{{.+}}, %{{.+}} : !stage.buffer<memory, 4xf32>, !stage.buffer<memory, 4xf32> -> !stage.pages<1x4xf32>
// CHECK: stage.attend sorted %{{.+}}, %{{.+}} under %{{.+}} heads 2 scale {{.+}} : !stage.buffer<host, 8xf32>, !stage.pages<1x4xf32> -> !stage.buffer<host, 8xf32> lse !stage.buffer<host, 2xf32>
// CHECK: stage.results %{{.+}}, %{{.+}} : !stage.buffer<host, 2xf32>, !stage.buffer<host, 8xf32>
stage.step @by_itself {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache sorted %k, %v : !m, !m -> !stage.pages<1x4xf32>
  %o, %l = stage.attend sorted %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q lse !stage.buffer<host, 2xf32>
  stage.results %l, %o : !stage.buffer<host, 2xf32>, !q
}
