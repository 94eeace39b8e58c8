// RUN: quoin-opt %s --verify-roundtrip

module attributes {quoin.fill = 7 : i32, quoin.stop = array<i32: 1, 2>, quoin.capacity = 64 : index, quoin.vocabulary = 8 : index,
                   quoin.source = "folder", quoin.architecture = "sdar"} {
}
