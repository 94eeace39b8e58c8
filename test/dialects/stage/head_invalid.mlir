// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @head_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of f32 that the host has, but found '!stage.buffer<row, 4xf32>'}}
  stage.head %0 by <@e> : !row
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
stage.step @head_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a weight of shape [?, 4], but @n is 'tensor<4xf32>'}}
  stage.head %h by <@n> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @head_c2_one {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects 1 weight, but found 2}}
  stage.head %h by <[@e, @e]> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @head_c2_tiles {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects tiles of depth 4, but found #stage.tiles<8 x 5>}}
  stage.head %h by <@e as f32 in #stage.tiles<8 x 5> at 0> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @head_c3 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a weight stored as bf16 for rows that are narrowed, but found #stage.weight<@e as f32>}}
  stage.head %h by <@e as f32> narrow : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @b : tensor<7xf32> from "model.safetensors" tensor "b"
stage.step @head_c4 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a weight of shape [8], but @b is 'tensor<7xf32>'}}
  stage.head %h by <@e> bias <@b> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @b : tensor<8xf32> from "model.safetensors" tensor "b"
stage.step @head_c4_narrow {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a bias of 1 weight, stored as f32, but found #stage.weight<@b as bf16>}}
  stage.head %h by <@e> bias <@b as bf16> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @head_c5 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects results of f32 that the host has, but found '!stage.buffer<row, 4xf32>'}}
  stage.head %h by <@e> results %0 : !host, !row
}
