// Attention of a batch whose sequences have different lengths, in bf16: queries, keys and values of all sequences lie one
// after the other, and offsets say where each begins, the total last. Sequences of 3, 0 and 5 tokens:
//
//   query_offsets = [0, 3, 3, 8]        (i32; `cu_seqlens` elsewhere)
//
// A query sees keys of its own sequence alone; in the formula q and k count from the sequence's start. The logarithm of
// the sum of exponentials comes along, so that results over parts of the keys can be merged.
//
//   quoin-compile examples/ragged-attention.mlir -o attention
//   quoin-run attention --inputs qkv.safetensors --outputs out.safetensors
func.func @ragged(%q: tensor<?x8x64xbf16>, %k: tensor<?x2x64xbf16>, %v: tensor<?x2x64xbf16>, %queries: tensor<?xi32>,
                  %keys: tensor<?xi32>) -> (tensor<?x8x64xbf16>, tensor<?x8xf32>) {
  %out, %lse = quoin.block_attention %q, %k, %v mask #quoin.mask<(q, k) : k floordiv 32 le q floordiv 32>
      sequences(%queries : tensor<?xi32>, %keys : tensor<?xi32>) scale 0.125
      : tensor<?x8x64xbf16>, tensor<?x2x64xbf16>, tensor<?x2x64xbf16> lse tensor<?x8xf32>
  return %out, %lse : tensor<?x8x64xbf16>, tensor<?x8xf32>
}
