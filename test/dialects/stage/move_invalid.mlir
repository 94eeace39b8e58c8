// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @move_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects 4 features in the result, but found 5}}
  %1 = stage.move %0 at %read : !row -> !stage.buffer<read, 5xf32>
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @move_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects to narrow rows, to gather those that are read, to give rows their sequence's or to hand f32 to the host, but found}}
  %1 = stage.move %0 : !row -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @move_c2_both {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects to narrow rows, to gather those that are read, to give rows their sequence's or to hand f32 to the host, but found}}
  %1 = stage.move %0 at %read : !row -> !stage.buffer<read, 4xbf16>
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @move_c2_integers {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects to narrow rows, to gather those that are read, to give rows their sequence's or to hand f32 to the host, but found}}
  %1 = stage.move %ids at %read : !stage.buffer<row, 1xi32> -> !stage.buffer<read, 1xi32>
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @move_c3 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects row numbers with rows that leave 'row' and only then, but found none}}
  %1 = stage.move %0 : !row -> !read
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @move_c3_twice {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %r = stage.move %0 at %read : !row -> !read
  // expected-error @+1 {{expects row numbers with rows that leave 'row' and only then, but found some}}
  %1 = stage.move %r at %read : !read -> !host
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}
