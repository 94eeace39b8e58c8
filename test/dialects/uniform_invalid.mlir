// RUN: quoin-opt %s --split-input-file --verify-diagnostics

func.func @uniform_c1(%p: tensor<?xindex>, %e: index) {
  // expected-error @+1 {{attribute 'stream' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %u = quoin.uniform stream -1 at %p, %e
  return
}
