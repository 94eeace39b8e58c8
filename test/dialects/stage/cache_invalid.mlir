// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @cache_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects keys and values of '!stage.buffer<row, 6xf32>', but found '!stage.buffer<row, 4xf32>'}}
  %1 = stage.cache %0, %0 : !row, !row -> !stage.pages<2x3xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @cache_c1_read {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects keys and values of '!stage.buffer<row, 4xf32>', but found '!stage.buffer<read, 4xf32>'}}
  %1 = stage.cache %0, %r : !row, !read -> !stage.pages<1x4xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @cache_c1_memory {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !stage.buffer<memory, 4xbf16>):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  // expected-error @+1 {{expects keys and values of '!stage.buffer<memory, 4xf32>', but found '!stage.buffer<memory, 4xbf16>'}}
  %kv = stage.cache %k, %k : !stage.buffer<memory, 4xbf16>, !stage.buffer<memory, 4xbf16> -> !stage.pages<1x4xf32>
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  stage.results %o : !q
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @cache_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %x: !stage.buffer<row, 4xf32>):
  // expected-error @+1 {{expects sorted rows of space 'memory', but found '!stage.buffer<row, 4xf32>'}}
  %kv = stage.cache sorted %x, %x : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32> -> !stage.pages<1x4xf32>
  %h = stage.each_row %x at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %h : !stage.buffer<host, 4xf32>
}
