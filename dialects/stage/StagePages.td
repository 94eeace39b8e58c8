//===- StagePages.td - all stages, for the reference page ------------------===//

include "dialects/stage/ScanStage.td"
