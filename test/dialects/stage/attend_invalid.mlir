// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @attend_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects heads that 2 key heads divide, but found 3}}
  %1 = stage.attend %0, %kv under %words heads 3 scale 0.5 : !row, !stage.pages<2x2xf32> -> !row
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
stage.step @attend_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects queries of 4 heads of 2 f32, but found '!stage.buffer<row, 4xf32>'}}
  %1 = stage.attend %0, %kv under %words heads 4 scale 0.5 : !row, !stage.pages<2x2xf32> -> !row
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
stage.step @attend_c2_result {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects a result like the query's}}
  %1 = stage.attend %0, %kv under %words heads 2 scale 0.5 : !row, !stage.pages<2x2xf32> -> !stage.buffer<row, 8xf32>
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
stage.step @attend_c3 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects a finite scale below 2^126, but found 0x7FF0000000000000 : f64}}
  %1 = stage.attend %0, %kv under %words heads 2 scale 0x7FF0000000000000 : !row, !stage.pages<2x2xf32> -> !row
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
stage.step @attend_c4 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects row numbers with queries of space 'read' and only then, but found some with}}
  %1 = stage.attend %0, %kv under %words rows %read heads 2 scale 0.5 : !row, !stage.pages<2x2xf32> -> !row
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
stage.step @attend_c4_none {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects row numbers with queries of space 'read' and only then, but found none with}}
  %1 = stage.attend %r, %kv under %words heads 2 scale 0.5 : !read, !stage.pages<2x2xf32> -> !read
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
stage.step @attend_c5 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects a result of f32 or bf16, but found 'i32'}}
  %1 = stage.attend %0, %kv under %words heads 2 scale 0.5 : !row, !stage.pages<2x2xf32> -> !stage.buffer<row, 4xi32>
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
stage.step @attend_c6 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects a score with arguments 'f32', 'i32', 'i32', 'i32', but found 'f32', 'f32'}}
  %1 = stage.attend %0, %kv under %words heads 2 scale 0.5 : !row, !stage.pages<2x2xf32> -> !row score {
  ^bb0(%s: f32, %t: f32):
    quoin.number %s
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
stage.step @attend_c2_host {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !stage.buffer<host, 8xbf16>, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects queries of 2 heads of 4 f32, but found '!stage.buffer<host, 8xbf16>'}}
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !stage.buffer<host, 8xbf16>, !stage.pages<1x4xf32> -> !stage.buffer<host, 8xbf16>
  stage.results %o : !stage.buffer<host, 8xbf16>
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @attend_c7 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects a result like the query's}}
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !stage.buffer<host, 8xbf16>
  stage.results %o : !stage.buffer<host, 8xbf16>
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @attend_c7_pages {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !stage.buffer<row, 4xf32>):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %k : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32> -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects pages of a memory with queries of 'host' and only then, but found those of '!stage.buffer<row, 4xf32>' with '!stage.buffer<host, 8xf32>'}}
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  stage.results %o : !q
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @attend_c8 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %k: !m, %x: !stage.buffer<row, 4xf32>):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %x, %x : !stage.buffer<row, 4xf32>, !stage.buffer<row, 4xf32> -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects 'sorted' with queries of 'host' only, but found '!stage.buffer<row, 4xf32>'}}
  %o = stage.attend sorted %x, %kv under %words heads 1 scale 0.5 : !stage.buffer<row, 4xf32>, !stage.pages<1x4xf32> -> !stage.buffer<row, 4xf32>
  %h = stage.each_row %o at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %h : !stage.buffer<host, 4xf32>
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @attend_c8_lse {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects logarithms of '!stage.buffer<host, 2xf32>', but found '!stage.buffer<host, 1xf32>'}}
  %o, %l = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q lse !stage.buffer<host, 1xf32>
  stage.results %o, %l : !q, !stage.buffer<host, 1xf32>
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @attend_c8_score {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects queries of 'host' without 'score', but found one}}
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q score {
  ^bb0(%s: f32, %query: index, %key: index, %head: index):
    quoin.number %s
  }
  stage.results %o : !q
}

// -----

!row = !stage.buffer<row, 4xf32>
stage.step @attend_c8_lse_space {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %x: !row):
  %words = stage.masks
  %kv = stage.cache %x, %x : !row, !row -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects logarithms of '!stage.buffer<row, 1xf32>', but found '!stage.buffer<read, 1xf32>'}}
  %o, %l = stage.attend %x, %kv under %words heads 1 scale 0.5 : !row, !stage.pages<1x4xf32> -> !row lse !stage.buffer<read, 1xf32>
  %h = stage.each_row %o at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %h : !stage.buffer<host, 4xf32>
}
