// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @block_attention_c1(%q: tensor<?x8x64xf32>, %k: tensor<?x3x64xf32>) {
  // expected-error@+1 {{expects key heads that divide the query heads 8, but found 3}}
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> scale 1.0 : tensor<?x8x64xf32>, tensor<?x3x64xf32>, tensor<?x3x64xf32>
  return
}

// -----

func.func @block_attention_c1_values(%q: tensor<?x8x64xf32>, %k: tensor<?x2x64xf32>, %v: tensor<?x4x64xf32>) {
  // expected-error@+1 {{expects as many value heads as key heads 2, but found 4}}
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<causal> scale 1.0 : tensor<?x8x64xf32>, tensor<?x2x64xf32>, tensor<?x4x64xf32>
  return
}

// -----

func.func @block_attention_c2(%q: tensor<?x8x4xf32>, %k: tensor<?x8x4xf32>) {
  // expected-error@+1 {{expects a head size from 8 to 256, but found 4}}
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> scale 1.0 : tensor<?x8x4xf32>, tensor<?x8x4xf32>, tensor<?x8x4xf32>
  return
}

// -----

func.func @block_attention_c2_equal(%q: tensor<?x8x64xf32>, %k: tensor<?x8x32xf32>) {
  // expected-error@+1 {{expects the query's head size 64, but found 32 in 'tensor<?x8x32xf32>'}}
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x32xf32>, tensor<?x8x32xf32>
  return
}

// -----

func.func @block_attention_c3(%q: tensor<?x8x64xf32>, %k: tensor<64x8x64xf32>, %v: tensor<65x8x64xf32>) {
  // expected-error@+1 {{expects as many values as keys 64, but found 65}}
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<causal> scale 1.0 : tensor<?x8x64xf32>, tensor<64x8x64xf32>, tensor<65x8x64xf32>
  return
}

// -----

func.func @block_attention_c4(%q: tensor<?x8x64xf32>, %n: index) {
  // expected-error@+1 {{expects 2 symbols of the mask, but found 1}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k)[a, b] : k lt a or k ge b>[%n] scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c5(%q: tensor<?x8x64xf32>, %k: tensor<64x8x64xf32>, %ql: tensor<?xi32>, %kl: tensor<63xi32>) {
  // expected-error@+1 {{expects 64 labels of the keys, but found 63}}
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<(q, k) : label(k) le label(q)> labels(%ql : tensor<?xi32>, %kl : tensor<63xi32>) scale 1.0 : tensor<?x8x64xf32>, tensor<64x8x64xf32>, tensor<64x8x64xf32>
  return
}

// -----

func.func @block_attention_c6(%q: tensor<?x8x64xf32>) {
  // expected-error@+1 {{expects 'lse' of shape 'tensor<?x8xf32>', but found 'tensor<?x4xf32>'}}
  %out, %lse = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32> lse tensor<?x4xf32>
  return
}

// -----

func.func @block_attention_c7(%q: tensor<128x8x64xf32>, %k: tensor<?x8x64xf32>) {
  // expected-error@+1 {{expects 128 labels 'part', as many as queries, but found 127}}
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<(q, k) where part = [0 : 64, 1 : 63] : part(k) le part(q)> scale 1.0 : tensor<128x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c7_two_lengths(%q: tensor<?x8x64xf32>) {
  // expected-error@+1 {{expects 2 labels 'column', as many as of 'row', but found 3}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) where row = [0, 1], column = [0, 1, 2] : row(k) le column(q)> scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c7_operands(%q: tensor<?x8x64xf32>, %l: tensor<?xi32>) {
  // expected-error@+1 {{expects labels of the mask or operands, but found 'part' and operands}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) where part = [0, 1] : part(k) le part(q)> labels(%l : tensor<?xi32>, %l : tensor<?xi32>) scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c8(%q: tensor<?x8x64xbf16>, %k: tensor<?x8x64xf32>) {
  // expected-error@+1 {{expects the query's element type 'bf16', but found 'f32'}}
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> scale 1.0 : tensor<?x8x64xbf16>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c9(%q: tensor<?x8x64xf32>, %a: tensor<4xi32>, %b: tensor<5xi32>) {
  // expected-error@+1 {{expects as many offsets of keys as of queries 4, but found 5}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> sequences(%a : tensor<4xi32>, %b : tensor<5xi32>) scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c9_none(%q: tensor<?x8x64xf32>, %a: tensor<0xi32>) {
  // expected-error@+1 {{expects at least one offset, but found none}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> sequences(%a : tensor<0xi32>, %a : tensor<0xi32>) scale 1.0 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c10(%q: tensor<?x8x64xf32>) {
  // expected-error@+1 {{expects a finite scale below 2^126, but found 0x7FF8000000000000 : f64}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 0x7FF8000000000000 : tensor<?x8x64xf32>, tensor<?x8x64xf32>, tensor<?x8x64xf32>
  return
}

// -----

func.func @block_attention_c10_as_f32(%q: tensor<?x2x8xf32>) -> tensor<?x2x8xf32> {
  // expected-error @+1 {{expects a finite scale below 2^126, but found 1.000000e+300 : f64}}
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0e300 : tensor<?x2x8xf32>, tensor<?x2x8xf32>, tensor<?x2x8xf32>
  return %out : tensor<?x2x8xf32>
}
