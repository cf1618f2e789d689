# One interface target carries the project's warnings; third-party headers are SYSTEM and exempt.
add_library(tocsin_warnings INTERFACE)
target_compile_options(tocsin_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor)

# Warnings are errors with the compilers that the project is checked with; a newer compiler that sees more must
# not keep a user from building.
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13) OR
   (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 20))
  set(warnings_are_errors ON)
else()
  set(warnings_are_errors OFF)
endif()
option(TOCSIN_WERROR "Treat warnings as errors" ${warnings_are_errors})
if(TOCSIN_WERROR)
  target_compile_options(tocsin_warnings INTERFACE -Werror)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees overlapping copies in std::string that are none (gcc bug 105329).
  target_compile_options(tocsin_warnings INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 uses what it has deprecated itself (std::stable_sort).
  target_compile_options(tocsin_warnings INTERFACE -Wthread-safety -Wno-deprecated-declarations)
endif()
