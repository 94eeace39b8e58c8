# Compiler flags, ccache and the precompiled header, shared by every target, also those of python/, whose top is not the
# repository's.

get_filename_component(QUOIN_ROOT "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)

find_program(QUOIN_CCACHE ccache)
if(QUOIN_CCACHE)
  # Without the sloppiness no user of the precompiled header would be cacheable; without the dependency mode each file is
  # preprocessed before it is compiled, which takes as long again.
  set(_launcher /usr/bin/env CCACHE_DEPEND=1
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
      "CCACHE_BASEDIR=${QUOIN_ROOT}" ${QUOIN_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER "${_launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${_launcher}")
endif()

if(QUOIN_ENABLE_ASSERTIONS)
  string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
endif()

set(QUOIN_WARNINGS -Wall -Wextra -Werror -Wno-unused-parameter -Wcast-qual -Wimplicit-fallthrough -Wshadow
    -Wunreachable-code -Wnewline-eof -Wdeprecated)
set(QUOIN_CXX_WARNINGS -Wnon-virtual-dtor -Woverloaded-virtual -Wsuggest-override -Wextra-semi)
if(QUOIN_ENABLE_FUZZERS)
  set(QUOIN_ENABLE_SANITIZERS ON)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(QUOIN_ENABLE_SANITIZERS)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
add_compile_options(-fvisibility=hidden)

# With QUOIN_BATCHES, files of a target are compiled together, so that headers are read and templates instantiated once for
# them all. Names in their anonymous namespaces must then differ, and so must static functions of the same parameters.
function(quoin_batches name)
  get_target_property(sources ${name} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  list(LENGTH sources files)
  if(QUOIN_BATCHES AND files GREATER 1)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  endif()
endfunction()

# Files that are compiled alone all the same: they have names that mean something else in MLIR (`Op`) or next to them.
function(quoin_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# The repository root is the one include path of our own code; generated headers lie in the same place of the build tree.
function(quoin_target_defaults name)
  target_include_directories(${name} PRIVATE ${QUOIN_ROOT})
  target_include_directories(${name} SYSTEM PRIVATE ${CMAKE_BINARY_DIR})
  target_compile_options(${name} PRIVATE ${QUOIN_WARNINGS} $<$<COMPILE_LANGUAGE:CXX>:${QUOIN_CXX_WARNINGS}>)
endfunction()

# A library or program that uses MLIR: system includes, the shared libraries, the precompiled header, of which there is one for
# each level of optimisation. quoin_use_mlir(name [AS_WRITTEN])
function(quoin_use_mlir name)
  cmake_parse_arguments(arg "AS_WRITTEN" "" "" ${ARGN})
  set(header QuoinPrecompiled)
  set(level)
  if(arg_AS_WRITTEN)
    set(header QuoinPrecompiledAsWritten)
    set(level -O0)
  endif()
  target_include_directories(${name} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_link_libraries(${name} PUBLIC MLIR LLVM)
  target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp" ${level})
  if(NOT TARGET ${header})
    add_library(${header} OBJECT ${QUOIN_ROOT}/cmake/Precompiled.cpp)
    target_include_directories(${header} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
    target_compile_options(${header} PRIVATE ${QUOIN_WARNINGS} ${QUOIN_CXX_WARNINGS} "SHELL:-Xclang -fno-pch-timestamp" ${level})
    target_precompile_headers(${header} PRIVATE ${QUOIN_ROOT}/cmake/Precompiled.h)
  endif()
  # Programs, too: a header compiled with -fPIC serves no file compiled with -fPIE.
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM ${header})
  get_target_property(sources ${name} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.c$")
  if(sources)
    set_source_files_properties(${sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# quoin_library(Name SOURCES... [NO_MLIR])
function(quoin_library name)
  cmake_parse_arguments(arg "NO_MLIR" "" "" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  quoin_target_defaults(${name})
  quoin_batches(${name})
  if(NOT arg_NO_MLIR)
    quoin_use_mlir(${name})
    add_dependencies(${name} QuoinDialectIncGen)
  endif()
endfunction()

# quoin_tool(name SOURCES... [NO_MLIR] [AS_WRITTEN]). Code that reads arguments or asserts, once in a run, is left as it is written:
# that takes half the time to compile, and what runs long lies in libraries.
function(quoin_tool name)
  cmake_parse_arguments(arg "NO_MLIR;AS_WRITTEN" "" "" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  if(QUOIN_ENABLE_SANITIZERS)
    target_sources(${name} PRIVATE ${QUOIN_ROOT}/cmake/SanitizerDefaults.c)
  endif()
  quoin_target_defaults(${name})
  quoin_batches(${name})
  set(as_written)
  if(arg_AS_WRITTEN)
    set(as_written AS_WRITTEN)
  endif()
  if(arg_AS_WRITTEN AND arg_NO_MLIR)
    target_compile_options(${name} PRIVATE -O0)
  endif()
  if(NOT arg_NO_MLIR)
    quoin_use_mlir(${name} ${as_written})
    if(TARGET QuoinDialectIncGen)
      add_dependencies(${name} QuoinDialectIncGen)
    endif()
  endif()
endfunction()
