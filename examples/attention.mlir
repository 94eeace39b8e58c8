// Attention under a mask written as a formula: queries and keys of any length, 8 query heads that share 2 key heads.
// Compile it by itself and call it from C, or run it on tensors in a file:
//
//   quoin-compile examples/attention.mlir -o attention
//   quoin-run attention --inputs qkv.safetensors --outputs out.safetensors
//
// A query sees the blocks of 32 keys up to and with its own, and any formula may stand in its place.
func.func @attention(%q: tensor<?x8x64xf32>, %k: tensor<?x2x64xf32>, %v: tensor<?x2x64xf32>) -> tensor<?x8x64xf32> {
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<(q, k) : k floordiv 32 le q floordiv 32> scale 0.125
      : tensor<?x8x64xf32>, tensor<?x2x64xf32>, tensor<?x2x64xf32>
  return %out : tensor<?x8x64xf32>
}
