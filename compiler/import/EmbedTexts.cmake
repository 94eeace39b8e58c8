# Writes the texts of FILES into OUTPUT as elements of a C++ array: {"name", R"quoin(text)quoin"}.
set(text "// Made from *.mlir.in.\n")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  string(REPLACE ".mlir.in" "" name "${name}")
  file(READ "${file}" body)
  string(APPEND text "{\"${name}\", R\"quoin(${body})quoin\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
