// A model with a third argument yields the rows that are read, in the order in which they are. Embeddings and head are unit
// matrices, so the best token of a row is its own id. Rows read are turned by their own positions, in features 0 and 2: by 4, 1
// and 3 radians the unit vector becomes (-.65, -.76), (.54, .84) and (-.99, .14); features 1 and 3 stay 0.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir
// RUN: python3 %S/Inputs/rows.py write %t e=1,0,0,0/0,1,0,0/0,0,1,0/0,0,0,1 head=1,0,0,0/0,1,0,0/0,0,1,0/0,0,0,1
// RUN: quoin-interpret %t/model.mlir --decoder rows --prompt-ids 3,2,0,1 | FileCheck %s --check-prefix=ROWS
// RUN: quoin-interpret %t/model.mlir --decoder turned --prompt-ids 0,0,0,0,0 | FileCheck %s --check-prefix=TURNED
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir
// RUN: quoin-interpret %t/stages.mlir --decoder rows --prompt-ids 3,2,0,1 | FileCheck %s --check-prefix=ROWS
// RUN: quoin-interpret %t/stages.mlir --decoder turned --prompt-ids 0,0,0,0,0 | FileCheck %s --check-prefix=TURNED

// ROWS: {{^}}1,2,1{{$}}
// TURNED: {{^}}1,2,2{{$}}

module attributes {quoin.source = "."} {
  quoin.decoder @rows(%x, %max) settings {} {
    %read = arith.constant dense<[3, 1, 3]> : tensor<3xindex>
    %rows = tensor.cast %read : tensor<3xindex> to tensor<?xindex>
    %n = quoin.length %x
    %l = quoin.forward @keeps of %x[to %n] read %rows mask #quoin.mask<causal>
    %token = quoin.score %l [token] : tensor<?xi32>
    %y = quoin.append %x, %token
    %end = quoin.length %y
    quoin.return %y[%n to %end]
  }
  quoin.decoder @turned(%x, %max) settings {} {
    %read = arith.constant dense<[4, 1, 3]> : tensor<3xindex>
    %rows = tensor.cast %read : tensor<3xindex> to tensor<?xindex>
    %n = quoin.length %x
    %l = quoin.forward @turns of %x[to %n] read %rows mask #quoin.mask<causal>
    %token = quoin.score %l [token] : tensor<?xi32>
    %y = quoin.append %x, %token
    %end = quoin.length %y
    quoin.return %y[%n to %end]
  }

  quoin.model @keeps head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
    %0 = quoin.embed %ids by @e : tensor<?x4xf32>
    %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
    quoin.hidden %1 : tensor<?x4xf32>
  }
  quoin.model @turns head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
    %0 = quoin.embed %ids by @e : tensor<?x4xf32>
    %1 = quoin.gather_rows %0 at %read : tensor<?x4xf32>
    %at = quoin.gather_rows %positions at %read : tensor<?xindex>
    %2 = quoin.rotary %1 at %at theta 1.0e4 head_dim 4 : tensor<?x4xf32>
    quoin.hidden %2 : tensor<?x4xf32>
  }
  quoin.weight @e : tensor<4x4xf32> from "w.safetensors" tensor "e"
  quoin.weight @head : tensor<4x4xf32> from "w.safetensors" tensor "head"
}
