# Compiler, warnings, hardening and sanitizers: one interface target, trellis_options, that every
# target of ours links.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(TRELLIS_SANITIZER "" CACHE STRING "asan, tsan or empty")
option(TRELLIS_NATIVE "Optimise for x86-64-v3 (AVX2, BMI)" OFF)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Trellis builds with clang-19 or newer (found ${CMAKE_CXX_COMPILER_ID} "
                      "${CMAKE_CXX_COMPILER_VERSION}); use a preset: cmake --preset dev")
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
if(TRELLIS_SANITIZER)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
endif()

add_library(trellis_options INTERFACE)
target_compile_options(trellis_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wthread-safety -Werror -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_compile_definitions(trellis_options INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_options(trellis_options INTERFACE -fuse-ld=lld -Wl,-z,now -Wl,-z,relro -Wl,--gc-sections)

if(TRELLIS_SANITIZER STREQUAL "asan")
  target_compile_options(trellis_options INTERFACE
    -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all)
  target_link_options(trellis_options INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(trellis_options INTERFACE TRELLIS_SANITIZED=1)
elseif(TRELLIS_SANITIZER STREQUAL "tsan")
  target_compile_options(trellis_options INTERFACE -fsanitize=thread)
  target_link_options(trellis_options INTERFACE -fsanitize=thread)
  target_compile_definitions(trellis_options INTERFACE TRELLIS_SANITIZED=1)
else()
  target_compile_options(trellis_options INTERFACE
    -fstack-protector-strong -fcf-protection -ffunction-sections -fdata-sections)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(trellis_options INTERFACE _FORTIFY_SOURCE=2)
  endif()
endif()
if(TRELLIS_NATIVE)
  target_compile_options(trellis_options INTERFACE -march=x86-64-v3)
endif()

# #include "trellis/<module>/<header>.h" is src/<module>/<header>.h.
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/include")
file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src" "${CMAKE_BINARY_DIR}/include/trellis" SYMBOLIC)
target_include_directories(trellis_options INTERFACE "${CMAKE_BINARY_DIR}/include")

# The layer check runs with every build: a forbidden include is a build error.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_target(check_layers ALL
  COMMAND "${Python3_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/tools/check_layers.py"
  COMMENT "checking src/LAYERS" VERBATIM)
