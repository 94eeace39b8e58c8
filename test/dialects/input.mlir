// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK: quoin.input @class : index
// CHECK: quoin.input @states optional : tensor<?x32xf32>
quoin.input @class : index
quoin.input @states optional : tensor<?x32xf32>
quoin.input @ids : tensor<?xi32>
