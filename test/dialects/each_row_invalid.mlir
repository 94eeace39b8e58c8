// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c1_none head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects at least one operand, but found none}}
  %1 = quoin.each_row : () -> tensor<?x1xf32> {
    %c = arith.constant dense<1.0> : tensor<1xf32>
    quoin.row %c : tensor<1xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c1_count head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 1 arguments, the operands' rows and the vectors, but found 0}}
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x1xf32> {
    %c = arith.constant dense<1.0> : tensor<1xf32>
    quoin.row %c : tensor<1xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c1_type head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects argument #0 of type 'tensor<4xf32>', a row of its operand, but found 'tensor<5xf32>'}}
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x5xf32> {
  ^bb0(%row: tensor<5xf32>):
    quoin.row %row : tensor<5xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c1_vector head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects argument #1 to be a vector of f32, but found 'tensor<8x4xf32>'}}
  %1 = quoin.each_row %0 by [@e] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>, %w: tensor<8x4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c2_name head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'by' to name a quoin.weight, but found @nothing}}
  %1 = quoin.each_row %0 by [@nothing] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>, %w: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c2_shape head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects weight '@e' of shape [4], but found 'tensor<8x4xf32>'}}
  %1 = quoin.each_row %0 by [@e] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>, %w: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c3_count head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{expects 1 rows, but found 2}}
    quoin.row %row, %row : tensor<4xf32>, tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c3_type head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x5xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{expects row #0 of type 'tensor<5xf32>', but found 'tensor<4xf32>'}}
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c3_end head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a body that ends in 'quoin.row'}}
  "quoin.each_row"(%0) <{weights = []}> ({
  ^bb0(%row: tensor<4xf32>):
    llvm.unreachable
  }) : (tensor<?x4xf32>) -> ()
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c4 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{'quoin.each_row' op expects ops that work on one row, but found 'math.atan'}}
    %a = math.atan %row : tensor<4xf32>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c4_region head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %true = arith.constant true
    // expected-error @+1 {{expects ops that work on one row, but found 'scf.if'}}
    scf.if %true {
    }
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c4_extract head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %zero = arith.constant 0 : index
    // expected-error @+1 {{'tensor.extract' op expects a tensor of one number, but found 'tensor<4xf32>'}}
    %a = tensor.extract %row[%zero] : tensor<4xf32>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c4_reduce head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %none = arith.constant dense<0.0> : tensor<f32>
    // expected-error @+1 {{'linalg.reduce' op expects one operand, joined by one of addf, mulf, maximumf, minimumf, addi, maxsi and minsi on two numbers}}
    %a = linalg.reduce ins(%row : tensor<4xf32>) outs(%none : tensor<f32>) dimensions = [0] (%x: f32, %sum: f32) {
      %square = arith.mulf %x, %x : f32
      %next = arith.addf %square, %sum : f32
      linalg.yield %next : f32
    }
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c5 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{expects f32, i32 or i1, a tensor of them, or an index, but found 'tensor<4xf64>'}}
    %a = arith.constant dense<1.0> : tensor<4xf64>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c5_rank head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{expects a static shape of rank 0 to 4, but found 'tensor<1x1x2x2x1xf32>'}}
    %a = arith.constant dense<1.0> : tensor<1x1x2x2x1xf32>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c5_size head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{expects 1 to 1048576 elements, but found 'tensor<2048x1024xf32>'}}
    %a = arith.constant dense<1.0> : tensor<2048x1024xf32>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c6 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %one = arith.constant 1 : index
    // expected-error @+1 {{expects constant bounds, positive strides and the operand's rank, but found 'tensor<4xf32>' to 'tensor<2xf32>'}}
    %a = tensor.extract_slice %row[%one] [2] [1] : tensor<4xf32> to tensor<2xf32>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @each_row_c7 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    // expected-error @+1 {{expects to be what 'linalg.broadcast' fills, but 'arith.addf' reads it}}
    %a = tensor.empty() : tensor<4xf32>
    %b = arith.addf %a, %row : tensor<4xf32>
    quoin.row %row : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

// Rows of the call and rows read do not meet in a row program either.
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @model_c5 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
  // expected-error @+1 {{'quoin.each_row' op expects operands over the same rows, but found rows of the call and rows read}}
  %2 = quoin.each_row %0, %1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    quoin.row %a : tensor<4xf32>
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

func.func @rounded_is_of_products(%x: f32) -> f32 {
  // expected-error @+1 {{expects 'quoin.rounded' on a product of numbers only, and no value of it}}
  %0 = arith.addf %x, %x {quoin.rounded} : f32
  return %0 : f32
}
