// Softmax of a row times a vector, plus the position; then pairs of features trade places.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=0,1/2,2 s=10,20 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}14.621 2.6894{{$}}
// CHECK-NEXT: {{^}}11 6{{$}}

quoin.weight @e : tensor<2x2xf32> from "w.safetensors" tensor "e"
quoin.weight @s : tensor<2xf32> from "w.safetensors" tensor "s"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  %1 = quoin.each_row %0, %positions by [@s] : (tensor<?x2xf32>, tensor<?xindex>) -> tensor<?x2xf32> {
  ^bb0(%row: tensor<2xf32>, %position: index, %scale: tensor<2xf32>):
    %worst = arith.constant dense<0xFF800000> : tensor<f32>
    %top = linalg.reduce { arith.maximumf } ins(%row : tensor<2xf32>) outs(%worst : tensor<f32>) dimensions = [0]
    %to = tensor.empty() : tensor<2xf32>
    %tops = linalg.broadcast ins(%top : tensor<f32>) outs(%to : tensor<2xf32>) dimensions = [0]
    %below = arith.subf %row, %tops : tensor<2xf32>
    %power = math.exp %below : tensor<2xf32>
    %none = arith.constant dense<0.0> : tensor<f32>
    %total = linalg.reduce { arith.addf } ins(%power : tensor<2xf32>) outs(%none : tensor<f32>) dimensions = [0]
    %sum = tensor.extract %total[] : tensor<f32>
    %sums = tensor.splat %sum : tensor<2xf32>
    %share = arith.divf %power, %sums : tensor<2xf32>
    %scaled = arith.mulf %share, %scale : tensor<2xf32>
    %i = arith.index_cast %position : index to i32
    %p = arith.sitofp %i : i32 to f32
    %places = tensor.splat %p : tensor<2xf32>
    %y = arith.addf %scaled, %places : tensor<2xf32>
    %low = tensor.extract_slice %y[0] [1] [1] : tensor<2xf32> to tensor<1xf32>
    %high = tensor.extract_slice %y[1] [1] [1] : tensor<2xf32> to tensor<1xf32>
    %turned = tensor.concat dim(0) %high, %low : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
    quoin.row %turned : tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x2xf32>
}
