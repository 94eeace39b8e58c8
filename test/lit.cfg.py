# What every lit test sees: the project's tools and LLVM's test tools on the path, a feature per built tool.

import os

import lit.formats
import lit.llvm
import lit.util

lit.llvm.initialize(lit_config, config)
from lit.llvm import llvm_config

config.name = "Quoin"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["CMakeLists.txt", "unit", "e2e", "fuzz", "lib", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.quoin_test_root

for directory in (config.llvm_tools_dir, config.quoin_tools_dir):
    llvm_config.with_environment("PATH", directory, append_path=True)
# Locals of whoever runs the tests must not change what tools print.
config.environment["LC_ALL"] = "C"
# But which machine the compiler takes this one for may be chosen.
llvm_config.with_system_environment(["QUOIN_CPU"])
config.substitutions.append(("%{source}", config.quoin_source_root))

# What assembles PTX is no part of this project.
if lit.util.which("ptxas", config.environment["PATH"]):
    config.available_features.add("ptxas")

# `REQUIRES: quoin-interpret` skips a test where that tool is not built.
for tool in config.quoin_tools:
    if tool:
        config.available_features.add(tool)
