# The launcher is freestanding: no libc, no heap, no start-up code but ours.
# It is small enough to be read whole, starts in a third of the time of a glibc
# program, and an idle sandbox keeps only its few pages.
file(GLOB launcher_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/jail/launcher/*.cc)
list(FILTER launcher_sources EXCLUDE REGEX "(_test|/begin)\\.cc$")
add_executable(carrel-launcher ${launcher_sources})
add_dependencies(carrel-launcher layers)
target_include_directories(carrel-launcher PRIVATE ${CMAKE_SOURCE_DIR}/src)
# Beside the build's own files, not in bin: nobody starts it by hand.
set_target_properties(carrel-launcher PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/launcher)

# The kernel starts it, and no sanitizer run-time is there to help: it is always
# built plain, and its decoding is tested hosted, under the sanitizers, in jail_test.
set(freestanding
  -fno-sanitize=all -O2 -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector
  -fno-asynchronous-unwind-tables -fno-threadsafe-statics -U_FORTIFY_SOURCE
  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-mno-red-zone>)
target_compile_options(carrel-launcher PRIVATE
  ${freestanding} -fno-pic -ffunction-sections -fdata-sections)
# Far from where programs are linked to, as a room loads it beside carrel (begin.cc).
target_link_options(carrel-launcher PRIVATE
  -fno-sanitize=all -nostdlib -static -Wl,--build-id=none -Wl,-z,noseparate-code
  -Wl,-z,max-page-size=4096 -Wl,-z,norelro -Wl,-s -Wl,-e,_start -Wl,--gc-sections
  -Wl,--image-base=0x70000000
  $<$<BOOL:${CARREL_LLD}>:-Wl,--no-rosegment>)  # code and constants on the same pages

# carrel_launcher_image: the same file's bytes, to be linked into carrel.
set(launcher ${CMAKE_BINARY_DIR}/launcher/carrel-launcher)
set(image ${CMAKE_BINARY_DIR}/launcher/image.S)
file(CONFIGURE OUTPUT ${image} @ONLY CONTENT [[
  .section .rodata
  .global carrel_launcher_image, carrel_launcher_image_end
  .balign 16
carrel_launcher_image:
  .incbin "@launcher@"
carrel_launcher_image_end:
  .section .note.GNU-stack,"",%progbits
]])
# And what carrel does of the launcher's work itself: it begins the room.
add_library(carrel_launcher_image STATIC ${image}
  ${CMAKE_SOURCE_DIR}/src/jail/launcher/begin.cc
  ${CMAKE_SOURCE_DIR}/src/jail/launcher/control.cc
  ${CMAKE_SOURCE_DIR}/src/jail/launcher/identity.cc)
target_include_directories(carrel_launcher_image PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(carrel_launcher_image PRIVATE
  "$<$<COMPILE_LANGUAGE:CXX>:${freestanding};-fPIE>")
# The program's entry, before the C library's.
target_link_options(carrel_launcher_image INTERFACE -Wl,-e,carrel_start)
set_source_files_properties(${image} PROPERTIES OBJECT_DEPENDS ${launcher})
set_target_properties(carrel_launcher_image PROPERTIES LINKER_LANGUAGE CXX)
add_dependencies(carrel_launcher_image carrel-launcher)

# What `doctor` and `explain` try before a room does it.
add_library(carrel_redirect STATIC
  ${CMAKE_SOURCE_DIR}/src/jail/launcher/netlink.cc
  ${CMAKE_SOURCE_DIR}/src/jail/launcher/redirect.cc)
target_include_directories(carrel_redirect PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(carrel_cli PUBLIC carrel_redirect)
