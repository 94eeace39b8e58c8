// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// weight_c1
// expected-error @+1 {{expects a static shape of rank 1 to 4, but found 'tensor<?x4xf32>'}}
quoin.weight @dynamic : tensor<?x4xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects a static shape of rank 1 to 4, but found 'tensor<2x3x4x5x6xf32>'}}
quoin.weight @hypercube : tensor<2x3x4x5x6xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects elements f32, bf16 or f16, but found 'f64'}}
quoin.weight @double : tensor<4xf64> from "a" tensor "x"

// -----

// weight_c2
// expected-error @+1 {{expects sizes from 1 to 2147483647, but found 0}}
quoin.weight @nothing : tensor<4x0xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects sizes from 1 to 2147483647, but found 2147483648}}
quoin.weight @long : tensor<2147483648xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects at most 1099511627776 elements, but found 2199023255552}}
quoin.weight @large : tensor<2097152x1048576xf32> from "a" tensor "x"

// -----

// expected-error @+1 {{expects at most 1099511627776 elements, but found 18446744073709551615}}
quoin.weight @huge : tensor<2147483647x2147483647x2147483647xf32> from "a" tensor "x"

// -----

// weight_c3
// expected-error @+1 {{expects a '*' in the name of a tensor of rank 3 only, and once, but found 1 in 'x.*' of 'tensor<2x3xf32>'}}
quoin.weight @gathered_vectors : tensor<2x3xf32> from "a" tensor "x.*"

// -----

// expected-error @+1 {{expects a '*' in the name of a tensor of rank 3 only, and once, but found 2 in 'x.*.*' of 'tensor<2x3x4xf32>'}}
quoin.weight @gathered_twice : tensor<2x3x4xf32> from "a" tensor "x.*.*"

// -----

// weight_c4
// expected-error @+1 {{expects another form of one tensor, but found '*' in 'x.*'}}
quoin.weight @gathered_rows : tensor<2x3x4xf32> from "a" tensor "x.*" stored [2, 3, 4]

// -----

// expected-error @+1 {{expects stored sizes of 12 elements, but found 24}}
quoin.weight @fewer : tensor<3x4xf32> from "a" tensor "x" stored [2, 3, 4]

// -----

// expected-error @+1 {{expects stored sizes from 1 to 2147483647, but found 0}}
quoin.weight @none : tensor<3x4xf32> from "a" tensor "x" stored [0, 3]

// -----

// expected-error @+1 {{expects one to four stored sizes of at most 1099511627776 elements, but found 5 of 24}}
quoin.weight @five : tensor<3x8xf32> from "a" tensor "x" stored [1, 2, 3, 2, 2]

// -----

// expected-error @+1 {{expects whole rows of 4 elements within the tensor's 24, but found 32 elements from row 17}}
quoin.weight @behind : tensor<8x4xf32> from "a" tensor "x" stored [24, 4] at_row 17

// -----

// expected-error @+1 {{expects whole rows of 4 elements within the tensor's 24, but found 32 elements from row -1}}
quoin.weight @before : tensor<8x4xf32> from "a" tensor "x" stored [24, 4] at_row -1

// -----

// expected-error @+1 {{expects whole rows of 5 elements within the tensor's 24, but found 32 elements from row 0}}
quoin.weight @part : tensor<8x4xf32> from "a" tensor "x" stored [24, 5] at_row 0

// -----

// weight_c5
// expected-error @+1 {{expects rank 2 of what is transposed, but found 'tensor<2x3x4xf32>'}}
quoin.weight @cube : tensor<2x3x4xf32> from "a" tensor "x" transposed

// -----

// weight_c6
// expected-error @+1 {{expects a file and a tensor, or a formula, but found neither}}
quoin.weight @neither : tensor<4xf32>

// -----

// expected-error @+1 {{expects a file and a tensor, or a formula, but found both}}
"quoin.weight"() <{sym_name = "both", type = tensor<4xf32>, file = "a", tensor = "x", weights = []}> ({
^bb0(%i: index):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}) : () -> ()

// -----

quoin.weight @w : tensor<4xf32> from "a" tensor "w"
// expected-error @+1 {{expects 'by' with a formula only}}
quoin.weight @read : tensor<4xf32> from "a" tensor "x" by [@w]

// -----

// weight_c7
// expected-error @+1 {{expects a formula with arguments of 2 indices, then 0 tensors of f64, but found 'index'}}
quoin.weight @one_index : tensor<4x4xf32> {
^bb0(%i: index):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}

// -----

quoin.weight @w : tensor<4xf32> from "a" tensor "w"
// expected-error @+1 {{expects a formula with arguments of 1 indices, then 1 tensors of f64, but found 'index', 'tensor<4xf32>'}}
quoin.weight @single : tensor<4xf32> by [@w] {
^bb0(%i: index, %w: tensor<4xf32>):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}

// -----

quoin.weight @w : tensor<4xf32> from "a" tensor "w"
// expected-error @+1 {{expects an argument for @w of its shape, 'tensor<4xf32>', but found 'tensor<5xf64>'}}
quoin.weight @longer : tensor<4xf32> by [@w] {
^bb0(%i: index, %w: tensor<5xf64>):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}

// -----

// weight_c8
quoin.weight @single : tensor<4xf32> {
^bb0(%i: index):
  // expected-error @+1 {{expects numbers of f64, index or integers of at most 64 bits in a formula, but found 'f32'}}
  %y = arith.constant 2.0 : f32
  %z = arith.constant 2.0 : f64
  quoin.element %z
}

// -----

quoin.weight @w : tensor<4xf32> from "a" tensor "w"
quoin.weight @stranger : tensor<4xf32> by [@w] {
^bb0(%i: index, %w: tensor<4xf64>):
  // expected-error @+1 {{'quoin.weight' op expects ops that a formula may hold, but found 'tensor.rank'}}
  %r = tensor.rank %w : tensor<4xf64>
  %z = arith.constant 2.0 : f64
  quoin.element %z
}

// -----

quoin.weight @looping : tensor<4xf32> {
^bb0(%i: index):
  %z = arith.constant 2.0 : f64
  %no = arith.constant false
  // expected-error @+1 {{'quoin.weight' op expects ops that a formula may hold, but found 'scf.while'}}
  scf.while : () -> () {
    scf.condition(%no)
  } do {
    scf.yield
  }
  quoin.element %z
}

// -----

// weight_c9
quoin.weight @w : tensor<4xf32> from "a" tensor "w"
// expected-error @+1 {{expects one result with the weight's rows, but found 'tensor<?x4xf32>' for 'tensor<5xf32>'}}
quoin.weight @other : tensor<5xf32> by [@w] {
^bb0(%w: tensor<?x4xf32>):
  quoin.results %w : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<3x4xf32> from "a" tensor "w"
// expected-error @+1 {{expects as many rows as the weights read have, 3, but found 'tensor<4xf32>'}}
quoin.weight @fewer : tensor<4xf32> by [@w] {
^bb0(%w: tensor<?x4xf32>):
  quoin.results %w : tensor<?x4xf32>
}

// -----

quoin.weight @v : tensor<4xf32> from "a" tensor "v"
quoin.weight @w : tensor<3x4xf32> from "a" tensor "w"
// expected-error @+1 {{expects weights of as many rows, but found 3 and 1}}
quoin.weight @sum : tensor<3x4xf32> by [@w, @v] {
^bb0(%w: tensor<?x4xf32>, %v: tensor<?x4xf32>):
  %y = arith.addf %w, %v : tensor<?x4xf32>
  quoin.results %y : tensor<?x4xf32>
}

// -----

quoin.weight @w : tensor<3x4xf32> from "a" tensor "w"
quoin.weight @meets : tensor<3x4xf32> by [@w] {
^bb0(%w: tensor<?x4xf32>):
  // expected-error @+1 {{expects ops that work row by row in a formula}}
  %y = quoin.attention %w, %w, %w heads 1 kv_heads 1 head_dim 4 scale 1.0 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.results %y : tensor<?x4xf32>
}

// -----

// weight_c10
// expected-error @+1 {{expects at most 268435456 elements of a formula, but found 268435457}}
quoin.weight @large : tensor<268435457xf32> {
^bb0(%i: index):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}

// -----

// weight_c11
// expected-error @+1 {{expects 'by' to name a quoin.weight, but found @nowhere}}
quoin.weight @lost : tensor<4xf32> by [@nowhere] {
^bb0(%i: index, %w: tensor<4xf64>):
  %y = arith.constant 2.0 : f64
  quoin.element %y
}

// -----

// expected-error @+1 {{expects a formula that does not depend on its own weight}}
quoin.weight @hen : tensor<4xf32> by [@egg] {
^bb0(%i: index, %w: tensor<4xf64>):
  %y = tensor.extract %w[%i] : tensor<4xf64>
  quoin.element %y
}
quoin.weight @egg : tensor<4xf32> by [@v] {
^bb0(%v: tensor<?x4xf32>):
  %y = quoin.linear %v by @square : tensor<?x4xf32> -> tensor<?x4xf32>
  %z = quoin.unit_norm %y head_dim 4 times @one : tensor<?x4xf32>
  quoin.results %z : tensor<?x4xf32>
}
quoin.weight @v : tensor<4xf32> from "a" tensor "v"
quoin.weight @square : tensor<4x4xf32> from "a" tensor "w"
quoin.weight @one : tensor<1xf32> by [@hen] {
^bb0(%i: index, %w: tensor<4xf64>):
  %y = tensor.extract %w[%i] : tensor<4xf64>
  quoin.element %y
}
