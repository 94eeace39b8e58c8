// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @masks_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a formula of positions and labels alone, but found #quoin.mask<(q, k) : slot(k) le slot(q)>}}
  %words = stage.masks within #quoin.mask<(q, k) : slot(k) le slot(q)>
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @masks_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  // expected-error @+1 {{expects a formula without label arrays, but found}}
  %words = stage.masks of #quoin.mask<(q, k) where a = [0, 1] : a(k) le a(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  stage.results %o : !q
}
