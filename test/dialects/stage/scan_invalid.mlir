// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c1 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %r = stage.each_row %0 at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of f32 in space 'row', but found '!stage.buffer<read, 4xf32>'}}
  %1 = stage.scan %r heads 2 : (!read) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c1_type places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of f32 in space 'row', but found '!stage.buffer<row, 1xi32>'}}
  %1 = stage.scan %ids heads 2 : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c2_two places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects one weight stored as f32 in heads of 1 x 2 x 2, but found #stage.weight<[@w, @w]>}}
  %1 = stage.scan %0 with [#stage.weight<[@w, @w]>] heads 2 : (!row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %w: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c2_type places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects one weight stored as f32 in heads of 1 x 2 x 2, but found #stage.weight<@w as bf16>}}
  %1 = stage.scan %0 with [#stage.weight<@w as bf16>] heads 2 : (!row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %w: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c2_layout places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects one weight stored as f32 in heads of 1 x 2 x 2, but found #stage.weight<@w as f32 in #stage.line<4> at 0>}}
  %1 = stage.scan %0 with [#stage.weight<@w as f32 in #stage.line<4> at 0>] heads 2 : (!row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %w: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c2_shape places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a layout of 'tensor<4xf32>', but found #stage.heads<[2, 2], 1 x 2 x 2>}}
  %1 = stage.scan %0 with [#stage.weight<@w as f32 in #stage.heads<[2, 2], 1 x 2 x 2> at 0>] heads 2 : (!row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>, %w: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c3 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects at least one result, but found none}}
  stage.scan %0 heads 2 : (!row) -> () {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s : tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_c3_places places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects 1 places, but found 2}}
  %1 = stage.scan %0 heads 2 places [0, 1] : (!row) -> !row {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
stage.step @scan_width places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects rows of result #0 of the sizes 2x2, of which each of 2 heads has 'tensor<2xf32>', but found 6}}
  %1 = stage.scan %0 heads 2 : (!row) -> !stage.buffer<row, 6xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
stage.step @scan_c5 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %w = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a last result '!stage.buffer<row, 64xf32>' with words, but found '!stage.buffer<row, 4xf32>'}}
  %1, %states = stage.scan %0 under %w heads 2 : (!row, !stage.words) -> (!row, !row) {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
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
stage.step @scan_c3_words {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %w = stage.masks
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects at least one result, but found none}}
  %states = stage.scan %0 under %w heads 2 : (!row, !stage.words) -> !stage.buffer<row, 64xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    quoin.row %s : tensor<2xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}
