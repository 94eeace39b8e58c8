// RUN: quoin-opt %s --quoin-verify-masks --split-input-file --verify-diagnostics

func.func @the_first_row_sees_nothing_before_it(%q: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  // expected-error @+1 {{expects each row to see a key, but row 0 of 1 sees none in 'k lt q'}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k lt q> scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// -----

func.func @the_part_to_blame_is_named(%q: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  // expected-error @+1 {{but row 0 of 1 sees none in 'k gt q or k + 3 lt q'}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k le q and (k gt q or k + 3 lt q)> scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// -----

func.func @a_contradiction(%q: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  // expected-error @+1 {{but row 0 of 1 sees none in 'k lt q'}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k lt q and k gt q> scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// -----

func.func @long_calls_only(%q: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  // expected-error @+1 {{but row 300 of 301 sees none in 'q lt 300 or k ge 400'}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k le q and (q lt 300 or k ge 400)> scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// -----

func.func @no_label_helps(%q: tensor<?x4x16xf32>, %i: tensor<?xi32>) -> tensor<?x4x16xf32> {
  // expected-error @+1 {{but row 0 of 1 sees none in 'label(k) lt label(q) and label(k) ge label(q)'}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : label(k) lt label(q) and label(k) ge label(q)> labels(%i : tensor<?xi32>, %i : tensor<?xi32>) scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// -----

func.func @no_symbol_helps(%q: tensor<?x4x16xf32>, %a: index) -> tensor<?x4x16xf32> {
  // expected-error @+1 {{but row 0 of 1 sees none in 'q lt a and k ge a'}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k)[a] : q lt a and k ge a and k le q>[%a] scale 0.25
      : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
  return %o : tensor<?x4x16xf32>
}

// -----

func.func @labels_of_the_mask(%q: tensor<10x4x16xf32>) -> tensor<10x4x16xf32> {
  // expected-error @+1 {{but row 5 of 10 sees none}}
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) where part = [0 : 5, 1, 0 : 4] : part(k) eq part(q) and k ne q> scale 0.25
      : tensor<10x4x16xf32>, tensor<10x4x16xf32>, tensor<10x4x16xf32>
  return %o : tensor<10x4x16xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
quoin.decoder @calls_are_looked_at_too(%x, %max) settings {} {
  %n = quoin.length %x
  %rows = quoin.span %n to %n
  // expected-error @+1 {{but row 3 of 4 sees none in 'k floordiv 4 gt q floordiv 4 or q lt 3'}}
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<(q, k) : k floordiv 4 gt q floordiv 4 or q lt 3>
  quoin.return %x[%n to %n]
}
