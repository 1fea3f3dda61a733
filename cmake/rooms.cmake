# carrel_room(NAME USES room... LIBS lib...): src/NAME/*.cc as the library
# carrel_NAME, and src/NAME/*_test.cc as the program NAME_test. tools/check_layers.py
# refuses an include that leaves the rooms named after USES, and an order of rooms
# that is not the project's.

find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(check_layers ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_layers.py ${CMAKE_SOURCE_DIR})
execute_process(COMMAND ${check_layers} RESULT_VARIABLE broken ERROR_VARIABLE complaint)
if(broken)
  message(FATAL_ERROR "An include breaks the order of the rooms:\n${complaint}")
endif()

# Again at every build in which a source changed, before anything is compiled.
file(GLOB_RECURSE all_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*.cc ${CMAKE_SOURCE_DIR}/src/*.h)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/layers.stamp
  COMMAND ${check_layers} COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/layers.stamp
  DEPENDS ${all_sources} ${CMAKE_SOURCE_DIR}/CMakeLists.txt ${CMAKE_SOURCE_DIR}/tools/check_layers.py
  COMMENT "Checking the order of the rooms" VERBATIM)
add_custom_target(layers DEPENDS ${CMAKE_BINARY_DIR}/layers.stamp)

function(carrel_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  set(scope PUBLIC)
  if(sources)
    add_library(carrel_${name} STATIC ${sources})
  else()
    add_library(carrel_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_dependencies(carrel_${name} layers)
  target_include_directories(carrel_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM ROOM_USES PREPEND carrel_)
  target_link_libraries(carrel_${name} ${scope} ${ROOM_USES} ${ROOM_LIBS})

  if(CARREL_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE carrel_${name} GTest::gtest GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
