# tr_module(engine
#   SOURCES module.cpp ...            the library trellis_engine (none: header only)
#   DEPENDS base async ...            modules that it may include, checked against src/LAYERS
#   LIBRARIES Boost::json ...         libraries from outside
#   TESTS module_test.cpp ...         one executable engine_test, one ctest entry
#   FUZZ walker_fuzz.cpp ...          one executable a file, in the asan preset; ctest replays
#                                     fuzz/corpora/<file without _fuzz>/
#   BENCHMARKS call_bench.cpp ...     one executable engine_bench, not run by ctest
#   TEST_LIBRARIES ...)               libraries that only the tests need
# A module name with a slash (abi/wapc) has its library and test named with an underscore.

find_package(GTest REQUIRED)
find_package(benchmark QUIET)

# Trees with sanitizers name their tests asan.<module>, so that one ctest can run several trees.
set(TRELLIS_TEST_PREFIX "")
if(TRELLIS_SANITIZER)
  set(TRELLIS_TEST_PREFIX "${TRELLIS_SANITIZER}.")
endif()

set(TRELLIS_TEST_ENVIRONMENT
  "ASAN_OPTIONS=use_sigaltstack=0:detect_stack_use_after_return=0:handle_segv=0:handle_sigill=0:handle_sigfpe=0:allocator_may_return_null=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp:use_sigaltstack=0"
  "TRELLIS_SOURCE_DIR=${CMAKE_SOURCE_DIR}"
  "TRELLIS_BINARY_DIR=${CMAKE_BINARY_DIR}"
  "TRELLIS_VECTORS=${CMAKE_SOURCE_DIR}/../shared/vectors")

function(tr_check_depends module)
  file(STRINGS "${CMAKE_SOURCE_DIR}/src/LAYERS" lines REGEX "^${module}:")
  if(NOT lines)
    message(FATAL_ERROR "module ${module} has no line in src/LAYERS")
  endif()
  if(lines MATCHES "\\+")
    return()  # closed over another module: tools/check_layers.py expands it
  endif()
  string(REGEX REPLACE "^[^:]*:" "" allowed "${lines}")
  separate_arguments(allowed)
  foreach(dependency IN LISTS ARGN)
    string(REGEX REPLACE "/.*" "" top "${dependency}")
    string(REGEX REPLACE "/.*" "" own "${module}")
    if(NOT top IN_LIST allowed AND NOT dependency IN_LIST allowed AND NOT top STREQUAL own)
      message(FATAL_ERROR "src/LAYERS does not allow ${module} to depend on ${dependency}")
    endif()
  endforeach()
endfunction()

function(tr_module module)
  cmake_parse_arguments(M "" "" "SOURCES;DEPENDS;LIBRARIES;TESTS;FUZZ;BENCHMARKS;TEST_LIBRARIES" ${ARGN})
  string(REGEX REPLACE "/.*" "" layer "${module}")
  if(layer STREQUAL "apps")
    set(layer "${module}")
  endif()
  tr_check_depends(${layer} ${M_DEPENDS})
  string(REPLACE "/" "_" name "${module}")
  set(dependencies "")
  foreach(dependency IN LISTS M_DEPENDS)
    string(REPLACE "/" "_" dependency "${dependency}")
    list(APPEND dependencies trellis_${dependency})
  endforeach()

  if(M_SOURCES)
    add_library(trellis_${name} STATIC ${M_SOURCES})
    target_link_libraries(trellis_${name} PUBLIC trellis_options ${dependencies} ${M_LIBRARIES})
  else()
    add_library(trellis_${name} INTERFACE)
    target_link_libraries(trellis_${name} INTERFACE trellis_options ${dependencies} ${M_LIBRARIES})
  endif()

  if(M_TESTS)
    add_executable(${name}_test ${M_TESTS})
    target_link_libraries(${name}_test PRIVATE
      trellis_${name} ${M_TEST_LIBRARIES} GTest::gmock GTest::gtest_main)
    add_test(NAME ${TRELLIS_TEST_PREFIX}${name} COMMAND ${name}_test)
    set_tests_properties(${TRELLIS_TEST_PREFIX}${name} PROPERTIES
      ENVIRONMENT "${TRELLIS_TEST_ENVIRONMENT}" TIMEOUT 300 LABELS unit)
  endif()

  if(M_BENCHMARKS AND benchmark_FOUND AND NOT TRELLIS_SANITIZER)
    add_executable(${name}_bench ${M_BENCHMARKS})
    target_link_libraries(${name}_bench PRIVATE
      trellis_${name} ${M_TEST_LIBRARIES} benchmark::benchmark benchmark::benchmark_main)
  endif()

  if(TRELLIS_SANITIZER STREQUAL "asan")
    foreach(source IN LISTS M_FUZZ)
      get_filename_component(target "${source}" NAME_WE)
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE trellis_${name} ${M_TEST_LIBRARIES})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      string(REGEX REPLACE "_fuzz$" "" corpus "${target}")
      add_test(NAME fuzz.${corpus} COMMAND ${target} -runs=0 -rss_limit_mb=4096
               "${CMAKE_SOURCE_DIR}/fuzz/corpora/${corpus}")
      set_tests_properties(fuzz.${corpus} PROPERTIES
        ENVIRONMENT "${TRELLIS_TEST_ENVIRONMENT}" TIMEOUT 120 LABELS fuzz)
    endforeach()
  endif()
endfunction()
