// Attention by itself goes through its stages as text, too; a text that says something else than the function does is refused.
// REQUIRES: quoin-compile
// RUN: rm -rf %t && mkdir -p %t
// RUN: quoin-compile %s -o %t/s.mlir --compile-to=stages
// RUN: FileCheck %s < %t/s.mlir
// CHECK: stage.step @f.step {{.*}}page
// CHECK: stage.masks of <(q, k)[n] : slot(k) le slot(q) + n>
// CHECK: stage.cache
// CHECK: stage.attend barrier
// CHECK: func.func @f

// RUN: quoin-compile %t/s.mlir -o %t/a --compile-from=stages --emit object
// RUN: quoin-compile %s -o %t/b --emit object
// RUN: cmp %t/a/model.o %t/b/model.o

// RUN: sed 's/slot(k) le slot(q)/label(k) le slot(q)/' %t/s.mlir > %t/formula.mlir
// RUN: not quoin-compile %t/formula.mlir -o %t/out --compile-from=stages 2>&1 | FileCheck %s --check-prefix=FORMULA
// FORMULA: error: {{.*}}'stage.masks' op expects the function's formula over slots, (q, k)[n] : slot(k) le slot(q) + n, and no other

// RUN: sed 's/stage.cache/stage.cache sorted/' %t/s.mlir > %t/sorted.mlir
// RUN: not quoin-compile %t/sorted.mlir -o %t/out --compile-from=stages 2>&1 | FileCheck %s --check-prefix=SORTED
// SORTED: error: {{.*}}'stage.attend' op expects rows as they lie in both 'stage.cache' and 'stage.attend'

// RUN: sed 's/step = @f.step/step = @f/' %t/s.mlir > %t/none.mlir
// RUN: not quoin-compile %t/none.mlir -o %t/out --compile-from=stages 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: {{.*}}expects its step as 'step', but found none

// RUN: quoin-compile %t/s.mlir -o %t/again.mlir --compile-from=stages --compile-to=stages
// RUN: cmp %t/s.mlir %t/again.mlir
func.func @f(%q: tensor<?x4x8xf32>, %k: tensor<?x2x8xf32>, %n: index) -> tensor<?x4x8xf32> {
  %o = quoin.block_attention %q, %k, %k mask #quoin.mask<(q, k)[n] : k le q + n>[%n] scale 0.5
      : tensor<?x4x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>
  return %o : tensor<?x4x8xf32>
}
