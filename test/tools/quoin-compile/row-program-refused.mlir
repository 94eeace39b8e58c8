// What a row program keeps between its sweeps lies on the stack, which has an end: 80,000 exponentials do not fit.
// REQUIRES: quoin-compile
// RUN: rm -rf %t && not quoin-compile %s -o %t/none 2>&1 | FileCheck %s
// RUN: not ls %t/none
// CHECK: 'stage.each_row' op expects a row program that keeps at most 262144 bytes between its sweeps, but found 320064

module attributes {quoin.source = "."} {
  quoin.decoder @d(%x, %max) settings {} {
    %n = quoin.length %x
    quoin.return %x[%n to %n]
  }
  quoin.model @m head @e {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %h = quoin.embed %ids by @e : tensor<?x80000xf32>
    %y = quoin.each_row %h : (tensor<?x80000xf32>) -> tensor<?x80000xf32> {
    ^bb0(%row: tensor<80000xf32>):
      %power = math.exp %row : tensor<80000xf32>
      %none = arith.constant dense<0.0> : tensor<f32>
      %sum = linalg.reduce { arith.addf } ins(%power : tensor<80000xf32>) outs(%none : tensor<f32>) dimensions = [0]
      %to = tensor.empty() : tensor<80000xf32>
      %sums = linalg.broadcast ins(%sum : tensor<f32>) outs(%to : tensor<80000xf32>) dimensions = [0]
      %y = arith.divf %power, %sums : tensor<80000xf32>
      quoin.row %y : tensor<80000xf32>
    }
    quoin.hidden %y : tensor<?x80000xf32>
  }
  quoin.weight @e : tensor<8x80000xf32> from "w.safetensors" tensor "e"
}
