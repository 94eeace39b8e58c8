// A query sees the keys of its document from `start` on.
func.func @attention(%q: tensor<?x2x16xf32>, %k: tensor<?x2x16xf32>, %v: tensor<?x2x16xf32>, %a: tensor<?xi32>, %b: tensor<?xi32>,
                     %start: index) -> tensor<?x2x16xf32> {
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<(q, k)[start] : label(k) eq label(q) and k ge start>[%start]
      labels(%a : tensor<?xi32>, %b : tensor<?xi32>) scale 0.25 : tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>
  return %out : tensor<?x2x16xf32>
}
