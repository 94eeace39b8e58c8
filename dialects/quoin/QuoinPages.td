//===- QuoinPages.td - all ops of the dialect, for the reference page ------===//

include "dialects/quoin/QuoinOps.td"
include "dialects/quoin/ScanOps.td"
