// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c1 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of f32, bf16 or i32, or the step's ids or positions, but found '!stage.buffer<read, 1xi64>'}}
  %1 = stage.each_row %read : (!stage.buffer<read, 1xi64>) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c2 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of one space, or such as are found from it, but found '!stage.buffer<read, 4xf32>' beside 'row'}}
  %1 = stage.each_row %0, %r : (!row, !read) -> !row {
  ^bb0(%row: tensor<4xf32>, %b: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c3_host places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects row numbers with rows read of which operands are of another space and only then, but found none}}
  %1 = stage.each_row %0 : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c3 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects row numbers with rows read of which operands are of another space and only then, but found none}}
  %1 = stage.each_row %r, %positions : (!read, !stage.buffer<row, 1xi32>) -> !read {
  ^bb0(%row: tensor<4xf32>, %i: index):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c3_only places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects row numbers with rows read of which operands are of another space and only then, but found some}}
  %1 = stage.each_row %r at %read : (!read) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c4 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a vector that is one weight stored as f32 in #stage.line<4>, but found}}
  %1 = stage.each_row %0 by [#stage.weight<@n as bf16 in #stage.line<4> at 0>] : (!row) -> !row {
  ^bb0(%row: tensor<4xf32>, %n: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c4_shape places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects weight '@five' of shape [4], but found 'tensor<5xf32>'}}
  %1 = stage.each_row %0 by [#stage.weight<@five>] : (!row) -> !row {
  ^bb0(%row: tensor<4xf32>, %n: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c5 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects results of f32, bf16 or i32, for the host f32, but found '!stage.buffer<row, 4xi64>'}}
  %1 = stage.each_row %0 : (!row) -> !stage.buffer<row, 4xi64> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c6 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects 1 places, but found 2}}
  %1 = stage.each_row %0 places [0, 1] : (!row) -> !row {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c6_nothing places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects at least one result, but found none}}
  stage.each_row %0 : (!row) -> () {
  ^bb0(%row: tensor<4xf32>):
    quoin.row
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @program_of_another_width places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects argument #0 of type 'tensor<4xf32>', a row of its operand, but found 'tensor<5xf32>'}}
  %1 = stage.each_row %0 : (!row) -> !row {
  ^bb0(%row: tensor<5xf32>):
    quoin.row %row : tensor<5xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

// The first result is written before the second reads the operand again.
!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @step_c5 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a place that none of its operands is in, but found place 0}}
  %1, %2 = stage.each_row %0 places [0, 1] : (!row) -> (!row, !row) {
  ^bb0(%row: tensor<4xf32>):
    %none = arith.constant dense<0.0> : tensor<f32>
    %sum = linalg.reduce { arith.addf } ins(%row : tensor<4xf32>) outs(%none : tensor<f32>) dimensions = [0]
    %s = tensor.extract %sum[] : tensor<f32>
    %each = tensor.splat %s : tensor<4xf32>
    %y = arith.mulf %row, %each : tensor<4xf32>
    quoin.row %row, %y : tensor<4xf32>, tensor<4xf32>
  }
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
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @five : tensor<5xf32> from "model.safetensors" tensor "n"
stage.step @step_c5_twice places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a place for each result, but found place 1 twice}}
  %1, %2 = stage.each_row %0 places [1, 1] : (!row) -> (!row, !row) {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row, %row : tensor<4xf32>, tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7 {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects 1 numbers of operands behind 'of', but found 2}}
  %1 = stage.each_row %0, %positions tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.0e4>>] of [1, 1] : (!row, !column) -> !row {
  ^bb0(%x: tensor<4xf32>, %position: index, %t: tensor<4xf32>):
    quoin.row %x : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_layout {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects angles of 4 numbers a position stored as f32, but found}}
  %1 = stage.each_row %0, %positions tables [#stage.weight<as bf16 in #stage.angles<16 x 2 theta 1.0e4>>] of [1] : (!row, !column) -> !row {
  ^bb0(%x: tensor<4xf32>, %position: index, %t: tensor<4xf32>):
    quoin.row %x : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_width {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects angles of 4 numbers a position stored as f32, but found}}
  %1 = stage.each_row %0, %positions tables [#stage.weight<as f32 in #stage.angles<16 x 3 theta 1.0e4>>] of [1] : (!row, !column) -> !row {
  ^bb0(%x: tensor<4xf32>, %position: index, %t: tensor<4xf32>):
    quoin.row %x : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_operand {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects the number of an operand that is positions, but found 0}}
  %1 = stage.each_row %0, %positions tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.0e4>>] of [0] : (!row, !column) -> !row {
  ^bb0(%x: tensor<4xf32>, %position: index, %t: tensor<4xf32>):
    quoin.row %x : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_beyond {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects the number of an operand that is positions, but found 2}}
  %1 = stage.each_row %0, %positions tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.0e4>>] of [2] : (!row, !column) -> !row {
  ^bb0(%x: tensor<4xf32>, %position: index, %t: tensor<4xf32>):
    quoin.row %x : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c2_results {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects results of one space, but found '!stage.buffer<read, 4xf32>' beside 'row'}}
  %1, %2 = stage.each_row %0 : (!row) -> (!row, !read) {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row, %row : tensor<4xf32>, tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c2_once {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of one space, or such as are found from it, but found '!stage.buffer<row, 4xf32>' beside 'sequence'}}
  %1 = stage.each_row %0 : (!row) -> !stage.buffer<sequence, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c2_read_of_host {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %g = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of one space, or such as are found from it, but found '!stage.buffer<host, 4xf32>' beside 'read'}}
  %1 = stage.each_row %g : (!host) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c5_host {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects results of f32, bf16 or i32, for the host f32, but found '!stage.buffer<host, 4xbf16>'}}
  %1 = stage.each_row %0 at %read : (!row) -> !stage.buffer<host, 4xbf16> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @five : tensor<8x5xf32> from "model.safetensors" tensor "n"
stage.step @each_row_c7_shape {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a weight of shape [?, 4], but @five is 'tensor<8x5xf32>'}}
  %1 = stage.each_row %ids tables [#stage.weight<@five>] of [0] : (!column) -> !row {
  ^bb0(%i: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_unknown {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a quoin.weight, but found @f}}
  %1 = stage.each_row %ids tables [#stage.weight<@f>] of [0] : (!column) -> !row {
  ^bb0(%i: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_line {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects one weight in a table of rows of 4, but found}}
  %1 = stage.each_row %ids tables [#stage.weight<@e as f32 in #stage.line<4> at 0>] of [0] : (!column) -> !row {
  ^bb0(%i: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_other_table {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a layout of 'tensor<8x4xf32>', but found #stage.table<9 x 4>}}
  %1 = stage.each_row %ids tables [#stage.weight<@e as f32 in #stage.table<9 x 4> at 0>] of [0] : (!column) -> !row {
  ^bb0(%i: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_two {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects one weight in a table of rows of 4, but found}}
  %1 = stage.each_row %ids tables [#stage.weight<[@e, @e]>] of [0] : (!column) -> !row {
  ^bb0(%i: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_by_rows {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects the number of an operand that is a number of i32, but found 0}}
  %1 = stage.each_row %0 tables [#stage.weight<@e>] of [0] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
!column = !stage.buffer<row, 1xi32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_angles_by_ids {
^bb0(%ids: !column, %positions: !column, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!column) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects the number of an operand that is positions, but found 0}}
  %1 = stage.each_row %ids tables [#stage.weight<as f32 in #stage.angles<16 x 2 theta 1.0e4>>] of [0] : (!column) -> !row {
  ^bb0(%i: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @h : tensor<9x4xf32> from "model.safetensors" tensor "h"
stage.step @each_row_c8 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a table of at least 9 rows, as many as the head scores, but found 8}}
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@h> : !host
}
