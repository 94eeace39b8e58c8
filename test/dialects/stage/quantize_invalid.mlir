// RUN: quoin-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
stage.step @quantize_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects rows of f32, not of 'host' or 'memory', but found '!stage.buffer<row, 1xi32>'}}
  %q = stage.quantize %ids : !stage.buffer<row, 1xi32> -> !stage.buffer<row, 1xi8>
  %h = stage.each_row %ids at %read tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<host, 64xf32> {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e> : !stage.buffer<host, 64xf32>
}

// -----

!row = !stage.buffer<row, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
stage.step @quantize_c1_result {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  // expected-error @+1 {{expects a result '!stage.buffer<row, 64xi8>', but found '!stage.buffer<row, 32xi8>'}}
  %q = stage.quantize %0 : !row -> !stage.buffer<row, 32xi8>
  %h = stage.each_row %0 at %read : (!row) -> !stage.buffer<host, 64xf32> {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e> : !stage.buffer<host, 64xf32>
}

// -----

!row = !stage.buffer<row, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<64x64xf32> from "model.safetensors" tensor "w"
stage.step @product_c6_scaled {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  // expected-error @+1 {{expects rows of i8 and a weight that is scaled together, but found '!stage.buffer<row, 64xf32>' and #stage.weight<@w as !stage.scaled<i8>>}}
  %1 = stage.product %0 by <@w as !stage.scaled<i8>> : !row -> !row
  %h = stage.each_row %1 at %read : (!row) -> !stage.buffer<host, 64xf32> {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e> : !stage.buffer<host, 64xf32>
}

// -----

!row = !stage.buffer<row, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
stage.step @each_row_c7_scaled {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a table that is stored as f32, bf16 or f16, but found #stage.weight<@e as !stage.scaled<i8>>}}
  %h = stage.each_row %ids at %read tables [#stage.weight<@e as !stage.scaled<i8>>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<host, 64xf32> {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e> : !stage.buffer<host, 64xf32>
}

// -----

!row = !stage.buffer<row, 48xf32>
quoin.weight @e : tensor<8x48xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<48x48xf32> from "model.safetensors" tensor "w"
stage.step @product_c6_groups {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<48xf32>):
    quoin.row %row : tensor<48xf32>
  }
  %q = stage.quantize %0 : !row -> !stage.buffer<row, 48xi8>
  // expected-error @+1 {{expects a depth that is a multiple of the group, or without one at most 131072, but found 48 for '!stage.scaled<i4 by 32>'}}
  %1 = stage.product %q by <@w as !stage.scaled<i4 by 32>> : !stage.buffer<row, 48xi8> -> !row
  %h = stage.each_row %0 at %read : (!row) -> !stage.buffer<host, 48xf32> {
  ^bb0(%row: tensor<48xf32>):
    quoin.row %row : tensor<48xf32>
  }
  stage.head %h by <@e> : !stage.buffer<host, 48xf32>
}

// -----

!row = !stage.buffer<row, 48xf32>
quoin.weight @e : tensor<8x48xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<48x48xf32> from "model.safetensors" tensor "w"
stage.step @head_c6 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<48xf32>):
    quoin.row %row : tensor<48xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !stage.buffer<host, 48xf32> {
  ^bb0(%row: tensor<48xf32>):
    quoin.row %row : tensor<48xf32>
  }
  // expected-error @+1 {{expects a depth that is a multiple of the group, or without one at most 131072, but found 48 for '!stage.scaled<i4 by 32>'}}
  stage.head %h by <@e as !stage.scaled<i4 by 32>> : !stage.buffer<host, 48xf32>
}

// -----

// expected-error @+1 {{expects whole numbers i8 or i4, but found 'i16'}}
"test.scaled_c1"() {a = !stage.scaled<i16>} : () -> ()

// -----

// expected-error @+1 {{expects groups of 32, 64 or 128, or of i8 none, but found 0}}
"test.scaled_c2"() {a = !stage.scaled<i4>} : () -> ()

// -----

// expected-error @+1 {{expects groups of 32, 64 or 128, or of i8 none, but found 16}}
"test.scaled_c2_small"() {a = !stage.scaled<i8 by 16>} : () -> ()

// -----

// expected-error @+1 {{expects tiles for a weight that is scaled, but found #stage.table<8 x 64>}}
"test.weight_c4"() {a = #stage.weight<@e as !stage.scaled<i8> in #stage.table<8 x 64>>} : () -> ()

// -----

// expected-error @+1 {{expects a depth that is a multiple of the group, or without one at most 131072, but found 96 for '!stage.scaled<i4 by 64>'}}
"test.weight_c4_group"() {a = #stage.weight<@e as !stage.scaled<i4 by 64> in #stage.tiles<8 x 96>>} : () -> ()

// -----

// expected-error @+1 {{expects a depth that is a multiple of the group, or without one at most 131072, but found 131073 for '!stage.scaled<i8>'}}
"test.weight_c4_depth"() {a = #stage.weight<@e as !stage.scaled<i8> in #stage.tiles<8 x 131073>>} : () -> ()
