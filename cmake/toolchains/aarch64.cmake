# 64-bit ARM, from any other machine: Clang and lld know every architecture; headers and
# libraries are Debian's own arm64 packages, unpacked by ./dev build --arch aarch64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

find_program(CARREL_CXX NAMES $ENV{CARREL_CXX} clang++-19 clang++-20 clang++-21 clang++-22 clang++
  DOC "The compiler")
if(NOT CARREL_CXX)
  message(FATAL_ERROR "A cross build needs Clang. Run ./dev setup (Debian: clang-19).")
endif()
set(CMAKE_CXX_COMPILER ${CARREL_CXX})
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_ASM_COMPILER ${CARREL_CXX})
set(CMAKE_ASM_COMPILER_TARGET aarch64-linux-gnu)

get_filename_component(CMAKE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../../build/deps/arm64 ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# The linker of the machine itself knows only its own architecture.
find_program(CARREL_LLD NAMES ld.lld-19 ld.lld-20 ld.lld-21 ld.lld-22 ld.lld DOC "The linker")
set(CMAKE_EXE_LINKER_FLAGS_INIT "--ld-path=${CARREL_LLD} -static")

# Generators and tests run during a cross build too.
find_program(CARREL_QEMU NAMES qemu-aarch64-static qemu-aarch64 DOC "Runs 64-bit ARM programs")
if(NOT CARREL_QEMU)
  message(FATAL_ERROR "A cross build runs a generator of its own. Run ./dev setup (Debian: qemu-user).")
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR ${CARREL_QEMU})
