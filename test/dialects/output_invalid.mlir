// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.decoder @output_c1(%x, %max) settings {} {
  // expected-error @+1 {{expects index, i32, f32 or a tensor of those of rank 1 or 2 with a static width, but found '!quoin.sequence'}}
  quoin.output @text %x : !quoin.sequence
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @output_c2(%x, %max) settings {} {
  // expected-error @+1 {{expects a name other than 'ids', which is the tokens'}}
  quoin.output @ids %max : index
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @output_c3(%x, %max) settings {} {
  // expected-error @+1 {{expects one to four sizes of a tensor, but found 1}}
  quoin.output @n %max as [1] : index
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @output_c3_sizes(%x, %max) settings {} {
  %a = tensor.splat %max : tensor<4xindex>
  // expected-error @+1 {{expects sizes of at least 1, and at most 268435456 elements, but found array<i64: 2, -1>}}
  quoin.output @n %a as [2, -1] : tensor<4xindex>
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @output_c3_elements(%x, %max) settings {} {
  %a = tensor.splat %max : tensor<4xindex>
  // expected-error @+1 {{expects a shape for the elements of 'tensor<4xindex>', but found array<i64: 3, 2>}}
  quoin.output @n %a as [3, 2] : tensor<4xindex>
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @output_c3_rows(%x, %max) settings {} {
  %a = tensor.splat %max[%max] : tensor<?x4xindex>
  // expected-error @+1 {{expects a shape for the elements of 'tensor<?x4xindex>', but found array<i64: 3, 4>}}
  quoin.output @n %a as [3, 4] : tensor<?x4xindex>
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @output_c4(%x, %max) settings {} {
  %a = tensor.splat %max : tensor<4xindex>
  quoin.output @n %a : tensor<4xindex>
  %c = arith.constant 1 : i32
  // expected-error @+1 {{expects elements of one type of output 'n', but found 'i32' behind 'tensor<4xindex>'}}
  quoin.output @n %c : i32
  quoin.return %x[%max to %max]
}
