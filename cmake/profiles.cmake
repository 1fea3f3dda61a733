# The built-in profiles are parsed while Carrel is built: profiles_gen prints them
# as C++ (under the emulator in a cross build). After carrel_room(policy).
add_executable(profiles_gen ${CMAKE_SOURCE_DIR}/src/policy/profiles_gen/profiles_gen.cc)
target_link_libraries(profiles_gen PRIVATE carrel_policy)

set(prepared_profiles ${CMAKE_BINARY_DIR}/prepared_profiles.cc)
add_custom_command(OUTPUT ${prepared_profiles}
  COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:profiles_gen> > ${prepared_profiles}.new
  COMMAND ${CMAKE_COMMAND} -E rename ${prepared_profiles}.new ${prepared_profiles}
  DEPENDS profiles_gen COMMENT "Preparing the built-in profiles" VERBATIM)
add_library(carrel_profiles STATIC ${prepared_profiles})
target_include_directories(carrel_profiles PRIVATE ${CMAKE_SOURCE_DIR}/src)
# Whoever asks for a profile links carrel_profiles: carrel_policy cannot, as it is
# what profiles_gen is made of.
if(TARGET policy_test)
  target_link_libraries(policy_test PRIVATE carrel_profiles)
  # from_toml_test reads the examples in docs/policy.md.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/policy/from_toml_test.cc PROPERTIES
    COMPILE_DEFINITIONS CARREL_DOCS_DIR="${CMAKE_SOURCE_DIR}/docs")
endif()
