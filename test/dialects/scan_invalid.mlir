// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c1 {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects 1 to 65536 heads, but found 0}}
  %1 = quoin.scan %x heads 0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c1_many {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects 1 to 65536 heads, but found 65537}}
  %1 = quoin.scan %x heads 65537 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c2_none {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects at least one operand, but found none}}
  %1 = quoin.scan heads 2 : () -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c2_no_state {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects more than 1 arguments, the states before the operands' rows and the weights, but found 1}}
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>):
    quoin.row %s : tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c2_type {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects argument #0 to be a tensor of f32 of rank 1 to 4, but found 'tensor<2xi32>'}}
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xi32>, %r: tensor<2xf32>):
    quoin.row %s, %r : tensor<2xi32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c2_number {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects argument #0 to be a tensor of f32 of rank 1 to 4, but found 'f32'}}
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: f32, %r: tensor<2xf32>):
    quoin.row %r, %r : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c2_dynamic {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects a static shape of rank 0 to 4, but found 'tensor<?xf32>'}}
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<?xf32>, %r: tensor<2xf32>):
    quoin.row %r, %r : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c3 {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects as many operands after 'from' as states, 1, but found 2}}
  %1 = quoin.scan %x from %x, %x heads 2 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c4 {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects 'with' to name a quoin.weight, but found @v}}
  %1 = quoin.scan %x with [@v] heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>, %w: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c5_count {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects 2 numbers after 'along', one for each operand, weight and result, but found 1}}
  %1 = quoin.scan %x heads 2 along [0] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c5_size {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects the number of a size, -1 to 1, after 'along' for rows of operand #0, but found 2}}
  %1 = quoin.scan %x heads 2 along [2, 0] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c6 {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects rows of operand #0 of the sizes 2x2, of which each of 2 heads has 'tensor<2xf32>', but found 6}}
  %1 = quoin.scan %y heads 2 : (tensor<?x6xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c6_shared {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects rows of operand #0 of the sizes 2, of which each of 2 heads has 'tensor<2xf32>', but found 4}}
  %1 = quoin.scan %x heads 2 along [-1, 0] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c6_initial {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects initial state #0 of the sizes 2x2, of which each of 2 heads has 'tensor<2xf32>', but found 6}}
  %1 = quoin.scan %x from %y heads 2 : (tensor<?x4xf32>, tensor<?x6xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c6_result {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects rows of result #0 of the sizes 2x2, of which each of 2 heads has 'tensor<2xf32>', but found 6}}
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x6xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c6_weight {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  // expected-error @+1 {{expects weight '@w' of the sizes 2x3, of which each of 2 heads has 'tensor<3xf32>', but found 4}}
  %1 = quoin.scan %x with [@w] heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>, %w: tensor<3xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c7_count {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    // expected-error @+1 {{expects 1 states and 1 rows, but found 1}}
    quoin.row %s : tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c7_state {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    %c = arith.constant dense<1.0> : tensor<1xf32>
    // expected-error @+1 {{expects state #0 of type 'tensor<2xf32>', but found 'tensor<1xf32>'}}
    quoin.row %c, %s : tensor<1xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c7_integers {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    %c = arith.constant dense<1> : tensor<2xi32>
    // expected-error @+1 {{expects rows of f32, but found 'tensor<2xi32>'}}
    quoin.row %s, %c : tensor<2xf32>, tensor<2xi32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c8 {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x6xf32>):
  %1 = quoin.scan %x heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    // expected-error @+1 {{'quoin.each_row' op expects ops that work on one row, but found 'arith.remf'}}
    %z = arith.remf %s, %r : tensor<2xf32>
    quoin.row %z, %z : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %x : tensor<?x4xf32>
}

// -----

// A scan asks for rows of the call: those that are read leave some of a sequence out.
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @scan_space head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{expects rows of the call, but found rows read}}
  %2 = quoin.scan %1 heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %s, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %2 : tensor<?x4xf32>
}

// -----

// What a row sees say calls of models of tokens.
quoin.model @scan_seen {
^bb0(%x: tensor<?x4xf32>):
  // expected-error @+1 {{expects a head of its model, whose calls say who sees whom, but found none}}
  %1 = quoin.scan %x seen heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>):
    quoin.row %r, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %1 : tensor<?x4xf32>
}

// -----

// Sizes are joined in their order: the heads are not the first of the weight's.
quoin.weight @w : tensor<3x4xf32> from "model.safetensors" tensor "w"
quoin.model @scan_c6_joined {
^bb0(%x: tensor<?x4xf32>):
  // expected-error @+1 {{expects weight '@w' of the sizes 2x3x2, of which each of 2 heads has 'tensor<3x2xf32>', but found 3x4}}
  %1 = quoin.scan %x with [@w] heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %r: tensor<2xf32>, %w: tensor<3x2xf32>):
    quoin.row %r, %s : tensor<2xf32>, tensor<2xf32>
  }
  quoin.results %1 : tensor<?x4xf32>
}
