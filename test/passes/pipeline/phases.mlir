// RUN: quoin-opt %s --quoin-pipeline='to=semantic level=0' | FileCheck %s --check-prefix=SEMANTIC
// RUN: quoin-opt %s --quoin-pipeline='to=cached level=0' | FileCheck %s --check-prefix=CACHED
// RUN: quoin-opt %s --quoin-pipeline='to=cached level=0' | quoin-opt --quoin-pipeline='from=cached to=scheduled' | FileCheck %s --check-prefix=SCHEDULED
// RUN: quoin-opt %s --quoin-pipeline='weights=bf16 pairs=true' | FileCheck %s --check-prefix=STAGES
// RUN: quoin-opt --quoin-phases | FileCheck %s --check-prefix=TABLE
// RUN: not quoin-opt %s --quoin-pipeline='weights=int5' 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// RUN: not quoin-opt %s --quoin-pipeline='to=cpu' 2>&1 | FileCheck %s --check-prefix=CODE
// RUN: not quoin-opt %s --quoin-pipeline='to=kernel' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not quoin-opt %s --quoin-pipeline='from=scheduled to=cached' 2>&1 | FileCheck %s --check-prefix=ORDER

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
// SEMANTIC: quoin.commit {{.*}} by pass
// CACHED-NOT: by pass
// CACHED: quoin.forward_cached {{.*}} pass
// SCHEDULED: quoin.gather_rows
// SCHEDULED-NOT: pass
// STAGES-NOT: quoin.model
// STAGES: stage.step @m places
// STAGES: stage.head %{{.+}} by <@e as bf16 in #stage.tiles<8 x 4> at {{[0-9]+}}> narrow
// TABLE: | `semantic` |
// TABLE-NEXT: | `cached` |
// TABLE-NEXT: | `scheduled` |
// TABLE-NEXT: | `stages` |
// TABLE-NEXT: | `cpu` |
// WEIGHTS: expects weights 'keep', 'f32', 'bf16', 'int8' or 'int4', but found 'int5'
// CODE: expects a phase out of 'semantic', 'cached', 'scheduled', 'stages', but found 'cpu'
// UNKNOWN: expects a phase out of 'semantic', 'cached', 'scheduled', 'stages', but found 'kernel'
// ORDER: expects phases in their order, but 'cached' comes before 'scheduled'
quoin.decoder @prefill(%x, %max) settings {} {
  %n = quoin.length %x
  %y = quoin.commit %x to %n by pass of @m mask #quoin.mask<causal>
  quoin.return %y[%n to %n]
}
