# `cpack --config build/release/CPackConfig.cmake` makes a .deb of what `cmake --install` installs: tools, runtime, headers, pages and
# examples. What it depends on is what dpkg-shlibdeps finds that its programs load.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME quoin)
set(CPACK_PACKAGE_VENDOR Quoin)
set(CPACK_PACKAGE_CONTACT "The Quoin project <quoin@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "ahead-of-time compiler for models that write blocks of tokens in parallel")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)

# Programs that were compiled for one version of the interface load in a runtime of that version only.
file(STRINGS runtime/include/quoin/program.h abi REGEX "^#define QUOIN_ABI_VERSION [0-9]+u")
string(REGEX MATCH "[0-9]+" abi "${abi}")
if(NOT abi)
  message(FATAL_ERROR "expects QUOIN_ABI_VERSION in runtime/include/quoin/program.h, but found none")
endif()
set(CPACK_DEBIAN_PACKAGE_PROVIDES "quoin-abi-${abi}")
set(CPACK_PACKAGE_DESCRIPTION "Compiles a checkpoint and its decoding loop to a folder, and runs it.
 Version ${PROJECT_VERSION}; programs have ABI version ${abi}.")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Hosts that link the static runtime need its headers and archive.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libutf8proc-dev")
include(CPack)
