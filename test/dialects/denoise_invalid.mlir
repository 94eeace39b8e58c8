// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.decoder @denoise_c1(%x, %max) settings {} {
  // expected-error @+1 {{expects a body with arguments '!quoin.sequence', 'tensor<?xindex>', but found '!quoin.sequence'}}
  %y = quoin.denoise %x[%max to %max] {
  ^bb0(%z: !quoin.sequence):
    quoin.yield %z
  }
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @denoise_c2(%x, %max) settings {} {
  // expected-error @+1 {{expects to yield the carried types 'index', but found }}
  %y, %n = quoin.denoise %x[%max to %max] carry %max : index -> index {
  ^bb0(%z: !quoin.sequence, %r: tensor<?xindex>, %s: index):
    quoin.yield %z
  }
  quoin.return %x[%max to %max]
}

// -----

quoin.decoder @denoise_c3(%x, %max) settings {} {
  // expected-error @+1 {{expects results of the carried types 'index', but found 'f32'}}
  %y, %n = quoin.denoise %x[%max to %max] carry %max : index -> f32 {
  ^bb0(%z: !quoin.sequence, %r: tensor<?xindex>, %s: index):
    quoin.yield %z, %s : index
  }
  quoin.return %x[%max to %max]
}
