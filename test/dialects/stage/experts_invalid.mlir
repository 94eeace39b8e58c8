// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects rows of one space, 'row' or 'read', but found}}
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !stage.buffer<read, 10xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c1_narrow {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects rows of f32, but found}}
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !stage.buffer<row, 10xbf16>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c1_choices {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects choices of i32 that a stage makes, but found}}
  %1 = stage.experts %0 to %0 by <@w> : !row, !row -> !stage.buffer<row, 20xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c1_ids {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects choices of i32 that a stage makes, but found}}
  %1 = stage.experts %0 to %ids by <@w> : !row, !stage.buffer<row, 1xi32> -> !stage.buffer<row, 5xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c2_one {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects 1 weight, but found 2}}
  %1 = stage.experts %0 to %c by <[@w, @u]> : !row, !choice -> !each
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c4 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects an end with arguments 'f32', but found 'f32', 'f32'}}
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !each {
  ^bb0(%gate: f32, %up: f32):
    %y = arith.mulf %gate, %up : f32
    quoin.number %y
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
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c2_choices {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects a result of as many features for each of 2 choices, but found}}
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !stage.buffer<row, 9xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c2_out {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects a weight of shape [?, 6, ?], but @w is 'tensor<3x5x4xf32>'}}
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !stage.buffer<row, 12xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c2_in {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects rows of 5 features, or of as many for each of 2 choices, but found 4}}
  %1 = stage.experts %0 to %c by <@d> : !row, !choice -> !stage.buffer<row, 8xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c2_layout {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects a stack of 5 columns, but found #stage.stack<3 x 4 x 4>}}
  %1 = stage.experts %0 to %c by <@w as f32 in #stage.stack<3 x 4 x 4> at 0> : !row, !choice -> !each
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c2_shapes {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects a weight of shape [?, 5, ?], but @d is 'tensor<3x4x5xf32>'}}
  %1 = stage.experts %0 to %c by <[@w, @d]> : !row, !choice -> !each {
  ^bb0(%gate: f32, %up: f32):
    %y = arith.mulf %gate, %up : f32
    quoin.number %y
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
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4097x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c3 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !choice {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<[1, -1]> : tensor<2xi32>
    quoin.row %numbers : tensor<2xi32>
  }
  // expected-error @+1 {{expects at most 4096 experts, but found 4097}}
  %1 = stage.experts %0 to %c by <@w> : !row, !choice -> !each
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
!choice = !stage.buffer<row, 2xi32>
!each = !stage.buffer<row, 10xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<3x4x5xf32> from "model.safetensors" tensor "d"
stage.step @experts_c3_choices {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %c = stage.each_row %0 : (!row) -> !stage.buffer<row, 257xi32> {
  ^bb0(%x: tensor<4xf32>):
    %numbers = arith.constant dense<1> : tensor<257xi32>
    quoin.row %numbers : tensor<257xi32>
  }
  // expected-error @+1 {{expects at most 256 choices a row, but found 257}}
  %1 = stage.experts %0 to %c by <@w> : !row, !stage.buffer<row, 257xi32> -> !stage.buffer<row, 1285xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
