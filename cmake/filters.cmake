# The seccomp programs of the common policies are compiled while Carrel is built:
# filters_gen, made from the same rules, prints them as C++ (under the emulator in
# a cross build), and carrel_plan links what it printed. After carrel_room(plan).
set(plan_dir ${CMAKE_SOURCE_DIR}/src/plan)
add_executable(filters_gen
  ${plan_dir}/filters_gen/filters_gen.cc ${plan_dir}/filters_rules.cc
  ${plan_dir}/filters_system_calls.cc ${plan_dir}/filters_socket_families.cc
  ${plan_dir}/filters_compile.cc)
target_include_directories(filters_gen PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(filters_gen PRIVATE carrel_base carrel_sys Seccomp::seccomp)
add_dependencies(filters_gen layers)

set(compiled_filters ${CMAKE_BINARY_DIR}/filters_compiled.cc)
add_custom_command(OUTPUT ${compiled_filters}
  COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:filters_gen> > ${compiled_filters}.new
  COMMAND ${CMAKE_COMMAND} -E rename ${compiled_filters}.new ${compiled_filters}
  DEPENDS filters_gen COMMENT "Compiling the common seccomp filters" VERBATIM)
add_library(carrel_plan_filters STATIC ${compiled_filters})
target_include_directories(carrel_plan_filters PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(carrel_plan PUBLIC carrel_plan_filters)

if(TARGET plan_test)
  # filters_docs_test compares docs/system-calls.md with the rules.
  set_source_files_properties(${plan_dir}/filters_docs_test.cc PROPERTIES
    COMPILE_DEFINITIONS CARREL_DOCS_DIR="${CMAKE_SOURCE_DIR}/docs")
endif()
