# The compiler of choice, so that `cmake --preset release` works as well as ./dev build.
# The environment's CARREL_CXX overrides it, the first time a tree is configured.
find_program(CARREL_CXX NAMES $ENV{CARREL_CXX}
  clang++-19 clang++-20 clang++-21 clang++-22 g++-14 g++-15 g++-13 clang++ g++
  DOC "The compiler")
if(NOT CARREL_CXX)
  message(FATAL_ERROR "There is no C++ compiler. Run ./dev setup (Debian: clang-19).")
endif()
set(CMAKE_CXX_COMPILER ${CARREL_CXX})

# What ./dev setup unpacked because the machine has another version installed.
list(PREPEND CMAKE_PREFIX_PATH ${CMAKE_CURRENT_LIST_DIR}/../../build/deps/native/usr)
