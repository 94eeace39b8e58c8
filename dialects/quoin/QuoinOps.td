//===- QuoinOps.td - all ops of the dialect, for the generators ------------===//

include "dialects/quoin/ApplyOps.td"
include "dialects/quoin/AttentionOps.td"
include "dialects/quoin/CacheOps.td"
include "dialects/quoin/DecoderOps.td"
include "dialects/quoin/ModelOps.td"
include "dialects/quoin/EachRowOps.td"
include "dialects/quoin/GridSpellings.td"
include "dialects/quoin/InputOps.td"
include "dialects/quoin/SequenceOps.td"
include "dialects/quoin/SettingAttributes.td"
include "dialects/quoin/Spellings.td"
include "dialects/quoin/WeightOps.td"
