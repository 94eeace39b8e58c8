// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects operands '!stage.buffer<row, 1xi32>', but found '!stage.buffer<row, 4xf32>'}}
  %1 = stage.rows #stage.embed(%0) by <@e> : (!row) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c1_narrow {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects a result of f32, but found 'bf16'}}
  %1 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xbf16>
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c1_integers {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects a result of f32, but found 'i32'}}
  %1 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xi32>
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects operands '!stage.buffer<read, 1xi32>', but found '!stage.buffer<row, 1xi32>'}}
  %1 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !read
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c2_host {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  // expected-error @+1 {{expects a result of space 'row' or 'read', but found '!stage.buffer<host, 4xf32>'}}
  %1 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !host
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x5xf32> from "model.safetensors" tensor "e"
stage.step @rows_c3 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a weight of shape [?, 4], but @e is 'tensor<8x5xf32>'}}
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c3_missing {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a weight for #stage.embed, but found none}}
  %0 = stage.rows #stage.embed(%ids) : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c3_unknown {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a quoin.weight, but found @f}}
  %0 = stage.rows #stage.embed(%ids) by <@f> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c3_layout {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a layout that fits #stage.embed and '!stage.buffer<row, 4xf32>', but found #stage.line<4>}}
  %0 = stage.rows #stage.embed(%ids) by <@e as f32 in #stage.line<4> at 0> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c3_other_table {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a layout of 'tensor<8x4xf32>', but found #stage.table<9 x 4>}}
  %0 = stage.rows #stage.embed(%ids) by <@e as f32 in #stage.table<9 x 4> at 0> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @h : tensor<9x4xf32> from "model.safetensors" tensor "h"
stage.step @rows_c4 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a table of at least 9 rows, as many as the head scores, but found 8}}
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@h> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c1_ids {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects the step's positions, but found other rows}}
  %0 = stage.rows #stage.embed(%ids, %read) by <@e> : (!stage.buffer<row, 1xi32>, !stage.buffer<read, 1xi64>) -> !stage.buffer<read, 4xf32>
  %h = stage.move %0 : !stage.buffer<read, 4xf32> -> !host
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @rows_c3_two {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects 1 weight, but found 2}}
  %0 = stage.rows #stage.embed(%ids) by <[@e, @e]> : (!stage.buffer<row, 1xi32>) -> !row
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}
