// RUN: quoin-opt %s --split-input-file --quoin-lower-to-stages | FileCheck %s

// Attention by itself gets a step beside the function, which says how it is called. Positions are slots, nothing is open.

// CHECK-LABEL: stage.step @f.step
// CHECK: ^bb0(%{{.+}}, %[[Q:[a-z0-9_]+]]: !stage.buffer<host, 32xbf16>, %[[K:[a-z0-9_]+]]: !stage.buffer<memory, 16xbf16>, %[[V:[a-z0-9_]+]]: !stage.buffer<memory, 16xbf16>):
// CHECK: %[[WORDS:.+]] = stage.masks of <(q, k)[n] : slot(k) le slot(q) + n and 0 eq 0>
// CHECK: %[[KV:.+]] = stage.cache %[[K]], %[[V]] : !stage.buffer<memory, 16xbf16>, !stage.buffer<memory, 16xbf16> -> !stage.pages<2x8xbf16>
// CHECK: %[[O:.+]], %[[L:.+]] = stage.attend %[[Q]], %[[KV]] under %[[WORDS]] heads 4 scale 5.000000e-01 : !stage.buffer<host, 32xbf16>, !stage.pages<2x8xbf16> -> !stage.buffer<host, 32xbf16> lse !stage.buffer<host, 4xf32>
// CHECK: stage.results %[[L]], %[[O]] : !stage.buffer<host, 4xf32>, !stage.buffer<host, 32xbf16>
// CHECK: func.func @f({{.*}}attributes {step = @f.step}
func.func @f(%q: tensor<?x4x8xbf16>, %k: tensor<?x2x8xbf16>, %n: index) -> (tensor<?x4xf32>, tensor<?x4x8xbf16>) {
  %o, %l = quoin.block_attention %q, %k, %k mask #quoin.mask<(q, k)[n] : k le q + n and open(k) eq 0>[%n] scale 0.5
      : tensor<?x4x8xbf16>, tensor<?x2x8xbf16>, tensor<?x2x8xbf16> lse tensor<?x4xf32>
  return %l, %o : tensor<?x4xf32>, tensor<?x4x8xbf16>
}

// -----

// Rows in another order stay where they lie; a name that is taken is not taken twice.

// CHECK-LABEL: stage.step @g.step_0
// CHECK: stage.cache sorted
// CHECK: stage.attend sorted
func.func private @g.step()
func.func @g(%q: tensor<3x1x8xf32>) -> tensor<3x1x8xf32> {
  %p = quoin.permute_rows %q : tensor<3x1x8xf32> by #quoin.order<1, 2, 0>
  %a = quoin.block_attention %p, %p, %p mask #quoin.mask<full> scale 1.0 : tensor<3x1x8xf32>, tensor<3x1x8xf32>, tensor<3x1x8xf32>
  %out = quoin.permute_rows %a : tensor<3x1x8xf32> by #quoin.order<2, 0, 1>
  return %out : tensor<3x1x8xf32>
}
