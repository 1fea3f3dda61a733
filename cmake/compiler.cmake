# One place for the compiler: which ones are accepted, and what they are told.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} destroys some temporaries in coroutines twice. "
    "Use Clang 19 or newer (Debian: clang-19) or GCC 13 or newer.")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Clang ${CMAKE_CXX_COMPILER_VERSION} is too old. Use Clang 19 or newer (Debian: clang-19).")
elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(Clang|GNU)$")
  message(FATAL_ERROR "Carrel is built with Clang 19 or newer, or GCC 13 or newer; "
    "${CMAKE_CXX_COMPILER_ID} was never tried.")
endif()

set(CARREL_SANITIZE "" CACHE STRING "Sanitizers for the whole build, e.g. address,undefined")

# Carrel is developed with one compiler and warns of nothing there. Another one may
# know new warnings, and they shall not keep anyone from building it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 20)
  set(warnings_are_errors ON)
else()
  set(warnings_are_errors OFF)
endif()
option(CARREL_WERROR "Warnings are errors" ${warnings_are_errors})

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow
                    -fno-omit-frame-pointer -fstack-protector-strong)
if(CARREL_WERROR)
  add_compile_options(-Werror)
endif()

# A build says the same whatever folder it was made in: a package can be reproduced,
# and ccache serves every checkout.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)

if(CARREL_SANITIZE)
  # The run-time of the sanitizers replaces parts of libc, which cannot be static then.
  add_compile_options(-fsanitize=${CARREL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CARREL_SANITIZE})
else()
  add_link_options(-static)
  # Checks at run time that cost next to nothing, and no code that nobody calls.
  add_compile_options($<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2> -D_GLIBCXX_ASSERTIONS
                      -ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
endif()

# lld links a static program in a tenth of the time. GCC takes it only under another name.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT CMAKE_CROSSCOMPILING)
  find_program(CARREL_LLD NAMES ld.lld-19 ld.lld-20 ld.lld-21 ld.lld-22 ld.lld DOC "The linker")
  if(CARREL_LLD)
    # What runs before main() lies together, so that it is few pages to read.
    add_link_options(--ld-path=${CARREL_LLD} -Wl,-z,keep-text-section-prefix)
  endif()
endif()

# Makes the second build of a tree quick.
find_program(CARREL_CCACHE ccache)
if(CARREL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CARREL_CCACHE})
endif()
