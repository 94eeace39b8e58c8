// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @permute_tokens_c1(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  // expected-error @+1 {{expects a sorted sequence to be used by calls of models only, but found 'quoin.extend'}}
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by open read %rows
  %z = quoin.extend %y by %n
  return
}

// -----

func.func @permute_tokens_c2_left_out(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  // expected-error @+1 {{expects a map for 'position' and for nothing else, but found it for 'position' left out}}
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by position read %rows
  return
}

// -----

func.func @permute_tokens_c2_for_labels(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  // expected-error @+1 {{expects a map for 'position' and for nothing else, but found it for 'label'}}
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by label affine_map<(p) -> (p)> read %rows
  return
}

// -----

func.func @permute_tokens_c2_dimensions(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  // expected-error @+1 {{expects a map of one dimension, no symbols and one result, but found affine_map<(d0, d1) -> (d0 + d1)>}}
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by position affine_map<(p, r) -> (p + r)> read %rows
  return
}

// -----

func.func @permute_tokens_c2_divisions(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  // expected-error @+1 {{expects a map of products with constants and divisions by positive ones, but found affine_map<(d0) -> (d0 floordiv -2)>}}
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by position affine_map<(p) -> (p floordiv -2)> read %rows
  return
}
