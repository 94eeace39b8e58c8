// RUN: quoin-opt %s --split-input-file --verify-diagnostics

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects arguments '!stage.buffer<row, 1xi32>', '!stage.buffer<row, 1xi32>', '!stage.buffer<read, 1xi64>', but found '!stage.buffer<row, 1xi32>'}}
stage.step @step_c1 {
^bb0(%ids: !stage.buffer<row, 1xi32>):
  llvm.unreachable
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
// expected-error @+1 {{expects a body that ends in 'stage.head'}}
stage.step @step_c2 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.masks
  llvm.unreachable
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @step_c2_other {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a stage in a 'stage.step'}}
  %c = arith.constant 1 : index
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
// expected-error @+1 {{expects places of positive multiples of 64 bytes below 2^56 in all, but found 60 behind 64}}
stage.step @step_c3 places [64, 60] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
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
// expected-error @+1 {{expects places of positive multiples of 64 bytes below 2^56 in all, but found 72057594037927872 behind 64}}
stage.step @step_c3_sum places [64, 72057594037927872] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
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
stage.step @step_c4 places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects one of 1 places, but found place 1}}
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [1] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
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
quoin.weight @w : tensor<20x4xf32> from "model.safetensors" tensor "w"
stage.step @step_c4_size places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a place of at least 128 bytes, but place 0 has 64}}
  %1 = stage.product %0 by <@w> place 0 : !row -> !stage.buffer<row, 20xf32>
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
stage.step @step_c5 places [64, 64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects an operand that is still in its place 0, but another buffer was stored there}}
  %2 = stage.each_row %0, %1 places [1] : (!row, !row) -> !row {
  ^bb0(%x: tensor<4xf32>, %y: tensor<4xf32>):
    %sum = arith.addf %x, %y : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %h = stage.each_row %2 at %read : (!row) -> !host {
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
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @u : tensor<4x4xf32> from "model.safetensors" tensor "u"
quoin.weight @b : tensor<4xf32> from "model.safetensors" tensor "b"
stage.step @step_c5_in_place places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] places [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a place that none of its operands is in, but found place 0}}
  %1 = stage.product %0 by <@w> place 0 : !row -> !row
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
stage.step @step_c6 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e as f32 in #stage.table<8 x 4> at 0>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects weights that lie apart, but #stage.weight<@e as f32 in #stage.tiles<8 x 4> at 448> meets #stage.weight<@e as f32 in #stage.table<8 x 4> at 0>}}
  stage.head %h by <@e as f32 in #stage.tiles<8 x 4> at 448> : !host
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @step_c7 page 8192 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  // expected-error @+1 {{expects a layer of 5120 bytes inside a page of 8192 at a multiple of 64, but found it at 8128}}
  %1 = stage.cache %0, %0 at 8128 : !row, !row -> !stage.pages<1x4xf32>
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
stage.step @step_c7_apart page 16384 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.cache %0, %0 at 0 : !row, !row -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects layers that lie apart in a page, but found one of 5120 bytes at 64 and another one at 0}}
  %2 = stage.cache %0, %0 at 64 : !row, !row -> !stage.pages<1x4xf32>
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
stage.step @step_c7_same page 16384 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.cache %0, %0 at 0 : !row, !row -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects layers that lie apart in a page, but found one of 5120 bytes at 0 and another one at 0}}
  %2 = stage.cache %0, %0 at 0 : !row, !row -> !stage.pages<1x4xf32>
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
stage.step @step_c7_before page 16384 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %1 = stage.cache %0, %0 at 6400 : !row, !row -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects layers that lie apart in a page, but found one of 5120 bytes at 6336 and another one at 6400}}
  %2 = stage.cache %0, %0 at 6336 : !row, !row -> !stage.pages<1x4xf32>
  %h = stage.each_row %0 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @step_c1_fewer {
^bb0(%read: !stage.buffer<read, 1xi64>, %host: !stage.buffer<row, 4xf32>):
  // expected-error @+1 {{expects the step's numbers of the rows read, but found other rows}}
  %h = stage.each_row %host at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !stage.buffer<host, 4xf32>
}

// -----

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @step_c8 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %all = stage.masks
  %near = stage.masks within #quoin.mask<window<6>>
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %kv = stage.cache %0, %0 : !row, !row -> !stage.pages<2x2xf32>
  // expected-error @+1 {{expects the latest words of the step, but found others}}
  %1 = stage.attend %0, %kv under %all heads 2 scale 0.5 : !row, !stage.pages<2x2xf32> -> !row
  %h = stage.each_row %1 at %read : (!row) -> !host {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %h by <@e> : !host
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @step_c9 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  // expected-error @+1 {{expects columns of 'host' as queries and of 'memory' as keys and values only, but found '!stage.buffer<host, 8xf32>'}}
  stage.results %o, %q : !q, !q
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @step_c9_memory {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  // expected-error @+1 {{expects columns of 'host' as queries and of 'memory' as keys and values only, but found '!stage.buffer<memory, 4xf32>'}}
  %n = stage.each_row %k : (!m) -> !stage.buffer<memory, 4xbf16> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %o : !q
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @step_c10 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %x: !stage.buffer<row, 4xf32>):
  // expected-error @+1 {{expects rows of 'host' that the step's end gives once, but found 0 uses}}
  %h = stage.each_row %x at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %g = stage.each_row %x at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.results %g : !stage.buffer<host, 4xf32>
}

// -----

!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @step_c10_twice {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  // expected-error @+1 {{expects rows of 'host' that the step's end gives once, but found 2 uses}}
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  stage.results %o, %o : !q, !q
}

// -----

quoin.weight @e : tensor<8x8xf32> from "model.safetensors" tensor "e"
!q = !stage.buffer<host, 8xf32>
!m = !stage.buffer<memory, 4xf32>
stage.step @step_c11 {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>, %q: !q, %k: !m, %v: !m):
  %words = stage.masks of #quoin.mask<(q, k) : slot(k) le slot(q)>
  %kv = stage.cache %k, %v : !m, !m -> !stage.pages<1x4xf32>
  %o = stage.attend %q, %kv under %words heads 2 scale 0.5 : !q, !stage.pages<1x4xf32> -> !q
  // expected-error @+1 {{expects no head in a step with columns of 'host' or 'memory'}}
  stage.head %o by <@e> : !q
}
