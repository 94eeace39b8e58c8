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
