# tocsin_module(NAME [DEPS target...]): the static library `tocsin_NAME` from this folder's *.cc.
# A module's headers are included by their path from src/ ("core/bus/bus.h").
function(tocsin_module name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  if(sources)
    add_library(tocsin_${name} STATIC ${sources} ${headers})
    target_include_directories(tocsin_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(tocsin_${name} PUBLIC ${ARG_DEPS} PRIVATE tocsin_warnings)
  else()
    add_library(tocsin_${name} INTERFACE ${headers})
    target_include_directories(tocsin_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(tocsin_${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# tocsin_test(NAME [DEPS target...] [LABELS label...] [TIMEOUT seconds]): one doctest program from this
# folder's *_test.cc (or SOURCES), run by ctest from the repository's root.
function(tocsin_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS;LABELS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/test_main.cc)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} tocsin_warnings)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    SKIP_RETURN_CODE 77)
endfunction()

# tocsin_embed(TARGET ROOT dir PATHS dir-or-file...): a library that carries the files in the program
# itself; read them through base/embedded_files.h.
function(tocsin_embed target)
  cmake_parse_arguments(ARG "" "ROOT" "PATHS;SUFFIXES" ${ARGN})
  set(files)
  foreach(path ${ARG_PATHS})
    foreach(suffix ${ARG_SUFFIXES})
      file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${ARG_ROOT} ${ARG_ROOT}/${path}/*${suffix})
      list(APPEND files ${found})
    endforeach()
  endforeach()
  list(SORT files)
  list(REMOVE_DUPLICATES files)
  set(asm "    .section .note.GNU-stack,\"\",%progbits\n    .section .rodata\n")
  set(decls "")
  set(rows "")
  set(inputs)
  set(index 0)
  foreach(file ${files})
    string(APPEND asm
      "    .balign 16\n    .global ${target}_b${index}\n    .global ${target}_e${index}\n"
      "${target}_b${index}:\n    .incbin \"${ARG_ROOT}/${file}\"\n${target}_e${index}:\n    .byte 0\n")
    string(APPEND decls
      "extern \"C\" const char ${target}_b${index}[];\nextern \"C\" const char ${target}_e${index}[];\n")
    string(APPEND rows
      "      {\"${file}\", {${target}_b${index}, static_cast<std::size_t>(${target}_e${index} - ${target}_b${index})}},\n")
    list(APPEND inputs ${ARG_ROOT}/${file})
    math(EXPR index "${index} + 1")
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target})
  file(CONFIGURE OUTPUT ${out}.S CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT ${out}.cc CONTENT
"#include \"base/embedded_files.h\"\n
${decls}
namespace tocsin {
std::span<const EmbeddedFile> embedded_files() {
  static const EmbeddedFile kFiles[] = {
${rows}  };
  return kFiles;
}
}  // namespace tocsin
" @ONLY)
  set_source_files_properties(${out}.S PROPERTIES OBJECT_DEPENDS "${inputs}")
  add_library(${target} STATIC ${out}.cc ${out}.S)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
endfunction()

# tocsin_embed_web(TARGET DIR): a library that carries the files of the web bundle, compressed, in the
# program itself; read them through app/console/web/bundle.h. Without the folder it carries none.
function(tocsin_embed_web target dir)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${dir} ${dir}/*)
  list(FILTER files EXCLUDE REGEX "\\.map$")
  list(SORT files)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target})
  set(asm "    .section .note.GNU-stack,\"\",%progbits\n    .section .rodata\n")
  set(decls "")
  set(rows "")
  set(packed)
  set(index 0)
  foreach(file ${files})
    set(gz ${out}.d/${index}.gz)
    add_custom_command(OUTPUT ${gz}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}.d
      COMMAND gzip -9nc ${dir}/${file} > ${gz}
      DEPENDS ${dir}/${file} VERBATIM)
    string(APPEND asm
      "    .balign 16\n    .global ${target}_b${index}\n    .global ${target}_e${index}\n"
      "${target}_b${index}:\n    .incbin \"${gz}\"\n${target}_e${index}:\n    .byte 0\n")
    string(APPEND decls
      "extern \"C\" const char ${target}_b${index}[];\nextern \"C\" const char ${target}_e${index}[];\n")
    string(APPEND rows
      "      {\"${file}\", {${target}_b${index}, static_cast<std::size_t>(${target}_e${index} - ${target}_b${index})}},\n")
    list(APPEND packed ${gz})
    math(EXPR index "${index} + 1")
  endforeach()
  if(rows)
    set(body "  static const WebFile kFiles[] = {\n${rows}  };\n  return kFiles;\n")
  else()
    set(body "  return {};\n")
  endif()
  file(CONFIGURE OUTPUT ${out}.S CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT ${out}.cc CONTENT
"#include \"app/console/web/bundle.h\"\n
${decls}
namespace tocsin::console {
std::span<const WebFile> web_files() {
${body}}
}  // namespace tocsin::console
" @ONLY)
  set_source_files_properties(${out}.S PROPERTIES OBJECT_DEPENDS "${packed}")
  add_library(${target} STATIC ${out}.cc ${out}.S)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
endfunction()
