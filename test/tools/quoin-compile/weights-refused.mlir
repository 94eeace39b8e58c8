// Tensors that are not what a program says. A vector of two and a matrix of 2 by 2 are there, in f32.
// REQUIRES: quoin-compile
// RUN: rm -rf %t && mkdir -p %t && python3 %S/../../interpret/Inputs/rows.py write %t n=1,2 e=1,2/3,4 bad=1,nan/3,4
// RUN: sed 's/X/2x2xf32> from "w.safetensors" tensor "e"/' %s > %t/good.mlir && quoin-compile %t/good.mlir -o %t/out
// RUN: sed 's/X/2x2xf32> from "w.safetensors" tensor "f"/' %s > %t/missing.mlir
// RUN: not quoin-compile %t/missing.mlir -o %t/none 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: sed 's/X/2x2xf32> from "v.safetensors" tensor "e"/' %s > %t/file.mlir
// RUN: not quoin-compile %t/file.mlir -o %t/none 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: sed 's/X/3x2xf32> from "w.safetensors" tensor "e"/' %s > %t/shape.mlir
// RUN: not quoin-compile %t/shape.mlir -o %t/none 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: sed 's/X/2x2xbf16> from "w.safetensors" tensor "e"/' %s > %t/type.mlir
// RUN: not quoin-compile %t/type.mlir -o %t/none 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: sed 's/X/2x2xf32> from "w.safetensors" tensor "bad"/' %s > %t/nan.mlir
// RUN: not quoin-compile %t/nan.mlir -o %t/none 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: not ls %t/none

// MISSING: error: {{.*}}w.safetensors: tensor 'f' is missing
// FILE: error: {{.*}}v.safetensors: No such file or directory
// SHAPE: error: {{.*}}w.safetensors: tensor 'e' expects tensor<3x2xf32>, but found F32 [2, 2]
// TYPE: error: {{.*}}w.safetensors: tensor 'e' expects tensor<2x2xbf16>, but found F32 [2, 2]
// NAN: error: {{.*}}w.safetensors: tensor 'bad' expects finite numbers, but element 1 is NaN or infinite

module attributes {quoin.source = "."} {
  quoin.decoder @d(%x, %max) settings {} {
    %n = quoin.length %x
    quoin.return %x[%n to %n]
  }
  quoin.model @m head @w {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %0 = quoin.embed %ids by @w : tensor<?x2xf32>
    quoin.hidden %0 : tensor<?x2xf32>
  }
  quoin.weight @w : tensor<X
}
