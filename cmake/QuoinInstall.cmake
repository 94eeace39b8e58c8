# What `cmake --install` puts where: the tools, the runtime as libquoin (static and shared), its headers, a CMake package and
# pkg-config files. Everything finds its neighbours by where it lies, so an installed tree may be moved. tools/ installs itself.

include(CMakePackageConfigHelpers)
find_package(Threads REQUIRED)

# The project's static libraries that a target is made of, itself included.
function(quoin_parts_of target out)
  set(parts ${target})
  get_target_property(links ${target} LINK_LIBRARIES)
  foreach(link IN LISTS links)
    if(TARGET ${link} AND NOT link MATCHES "::")
      quoin_parts_of(${link} more)
      list(APPEND parts ${more})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES parts)
  set(${out} ${parts} PARENT_SCOPE)
endfunction()

# libquoin: the runtime with its parts as one file.
quoin_parts_of(QuoinRuntime parts)
list(TRANSFORM parts REPLACE ".+" "$<TARGET_OBJECTS:\\0>" OUTPUT_VARIABLE objects)
foreach(kind static shared)
  string(TOUPPER ${kind} type)
  add_library(quoin_${kind} ${type} ${objects})
  target_include_directories(quoin_${kind} INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/runtime/include>
                                                     $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(quoin_${kind} PROPERTIES
    OUTPUT_NAME quoin LINKER_LANGUAGE CXX
    ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
endforeach()
target_link_libraries(quoin_static INTERFACE
  $<BUILD_INTERFACE:${UTF8PROC_LIBRARY}> $<INSTALL_INTERFACE:quoin::utf8proc> Threads::Threads ${CMAKE_DL_LIBS} m)
set_target_properties(quoin_static PROPERTIES EXPORT_NAME runtime)

# Before 1.0 each minor version may change the interface, so it is part of the name that hosts ask the loader for.
set(exports ${CMAKE_SOURCE_DIR}/cmake/install/libquoin.map)
target_link_libraries(quoin_shared PRIVATE ${UTF8PROC_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(quoin_shared PRIVATE -Wl,--version-script=${exports} -Wl,-Bsymbolic-functions -Wl,-z,now)
if(NOT QUOIN_ENABLE_SANITIZERS)
  target_link_options(quoin_shared PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(quoin_shared PROPERTIES
  EXPORT_NAME runtime_shared LINK_DEPENDS ${exports}
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
add_library(quoin::runtime ALIAS quoin_static)
add_library(quoin::runtime_shared ALIAS quoin_shared)

install(TARGETS quoin_static quoin_shared EXPORT quoinTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
install(DIRECTORY runtime/include/quoin DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
  FILES_MATCHING PATTERN "*.h")

# find_package(quoin)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/quoin)
set(made ${CMAKE_BINARY_DIR}/install)
configure_package_config_file(cmake/install/quoinConfig.cmake.in ${made}/quoinConfig.cmake INSTALL_DESTINATION ${package}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${made}/quoinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT quoinTargets NAMESPACE quoin:: DESTINATION ${package} COMPONENT development)
install(FILES ${made}/quoinConfig.cmake ${made}/quoinConfigVersion.cmake DESTINATION ${package} COMPONENT development)

# pkg-config quoin, pkg-config quoin-static
set(pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig /prefix/${pkgconfig} /prefix)
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig ${prefix_from_pkgconfig})
foreach(name quoin quoin-static)
  configure_file(cmake/install/${name}.pc.in ${made}/${name}.pc @ONLY)
  install(FILES ${made}/${name}.pc DESTINATION ${pkgconfig} COMPONENT development)
endforeach()

# What there is to read and to copy from, in the places that the links between the pages expect.
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation USE_SOURCE_PERMISSIONS
  PATTERN CMakeLists.txt EXCLUDE
  PATTERN __pycache__ EXCLUDE
  PATTERN regenerate.py EXCLUDE)
