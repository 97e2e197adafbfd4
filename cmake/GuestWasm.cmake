# Guests: wasm32 modules built from source by the toolchains that are present. Every module is
# ${CMAKE_BINARY_DIR}/guests/<name>.wasm and has a target guest_<name>; `ninja guests` builds all,
# and so does a plain build. No flag of the host reaches them: sanitizer builds make the same bytes.
#
#   tr_guest_cpp(name SOURCES a.cpp ... [WASI] [WASMCLOUD] [OPTIONS ...] [DIRECTORY out])
#       clang for wasm32 with the guest SDK. Freestanding (a few kB, wasm 1.0 instructions); WASI: a
#       reactor with wasi-libc and libc++. WASMCLOUD: contract ids of 2021. OPTIONS: for clang.
#   tr_guest_wat(name FILE a.wat [NO_CHECK] [DIRECTORY out])
#       wat2wasm with all features; NO_CHECK writes modules that are invalid on purpose.
#   tr_guest_python(name FILE a.py ARGUMENTS ... [DIRECTORY out])
#       a script that is called with ARGUMENTS and then the output file.
#   tr_guest_assemblyscript(name FOLDER assemblyscript [ENTRY index.ts])     npm's compiler
#   tr_guest_rust(name SOURCE lib.rs)                            a rustc with a wasm32 library
#   tr_guest_go(name FOLDER go)                                  Go 1.24 or newer, wasip1 reactor
#       DIRECTORY is relative to ${CMAKE_BINARY_DIR}/guests.
#
# C++, wat and Python guests are mandatory. The other three are skipped with a line
# `guest <name> skipped: <why>` when their toolchain is missing or fails (no network, for one);
# the same lines stand in ${CMAKE_BINARY_DIR}/guests/SKIPPED, so that tests skip with them.

set(TRELLIS_GUESTS "${CMAKE_BINARY_DIR}/guests")
file(MAKE_DIRECTORY "${TRELLIS_GUESTS}")
file(WRITE "${TRELLIS_GUESTS}/SKIPPED" "")
add_custom_target(guests ALL)

find_program(WAT2WASM wat2wasm REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(TRELLIS_GUEST_FOREIGN "${CMAKE_SOURCE_DIR}/cmake/guest_foreign.py")
# The shipped modules must stay readable for tools that know wasm 1.0 only.
set(TRELLIS_GUEST_CXX_FLAGS
  -std=c++20 -Os -fno-exceptions -fno-rtti -fvisibility=hidden
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

# The output file of a guest, in `out`; makes the target guest_<name>.
function(tr_guest_target name directory out)
  set(file "${TRELLIS_GUESTS}/${name}.wasm")
  if(directory)
    set(file "${TRELLIS_GUESTS}/${directory}/${name}.wasm")
    file(MAKE_DIRECTORY "${TRELLIS_GUESTS}/${directory}")
  endif()
  add_custom_target(guest_${name} DEPENDS "${file}")
  add_dependencies(guests guest_${name})
  set(${out} "${file}" PARENT_SCOPE)
endfunction()

function(tr_guest_cpp name)
  cmake_parse_arguments(G "WASI;WASMCLOUD" "DIRECTORY" "SOURCES;OPTIONS" ${ARGN})
  tr_guest_target(${name} "${G_DIRECTORY}" file)
  list(TRANSFORM G_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set(flags ${TRELLIS_GUEST_CXX_FLAGS} -I "${CMAKE_SOURCE_DIR}/sdk/guest-cpp/include")
  if(G_WASI)
    list(APPEND flags --target=wasm32-wasi -mexec-model=reactor -DTRELLIS_GUEST_LIBC
         -Wl,--strip-all)
  else()
    list(APPEND flags --target=wasm32 -mcpu=mvp -ffreestanding -nostdlib
         -Wl,--no-entry,--stack-first,-z,stack-size=16384,--strip-all)
  endif()
  if(G_WASMCLOUD)
    list(APPEND flags -DTRELLIS_GUEST_WASMCLOUD)
  endif()
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/sdk/guest-cpp/include/*.h")
  add_custom_command(
    OUTPUT "${file}"
    COMMAND "${CMAKE_CXX_COMPILER}" ${flags} ${G_OPTIONS} ${G_SOURCES} -o "${file}"
    DEPENDS ${G_SOURCES} ${headers} "${CMAKE_SOURCE_DIR}/cmake/GuestWasm.cmake"
    COMMENT "guest ${name} (C++)" VERBATIM)
endfunction()

function(tr_guest_wat name)
  cmake_parse_arguments(G "NO_CHECK" "FILE;DIRECTORY" "" ${ARGN})
  tr_guest_target(${name} "${G_DIRECTORY}" file)
  set(flags --enable-all)
  if(G_NO_CHECK)
    list(APPEND flags --no-check)
  endif()
  add_custom_command(
    OUTPUT "${file}"
    COMMAND "${WAT2WASM}" ${flags} "${CMAKE_CURRENT_SOURCE_DIR}/${G_FILE}" -o "${file}"
    DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${G_FILE}"
    COMMENT "guest ${name} (wat)" VERBATIM)
endfunction()

function(tr_guest_python name)
  cmake_parse_arguments(G "" "FILE;DIRECTORY" "ARGUMENTS" ${ARGN})
  tr_guest_target(${name} "${G_DIRECTORY}" file)
  set(script "${CMAKE_CURRENT_SOURCE_DIR}/${G_FILE}")
  add_custom_command(
    OUTPUT "${file}"
    COMMAND "${Python3_EXECUTABLE}" "${script}" ${G_ARGUMENTS} "${file}"
    DEPENDS "${script}"
    COMMENT "guest ${name} (generated)" VERBATIM)
endfunction()

# A guest whose toolchain is not there: says so and leaves the line for the tests.
function(tr_guest_skip name why)
  message(STATUS "guest ${name} skipped: ${why}")
  file(APPEND "${TRELLIS_GUESTS}/SKIPPED" "guest ${name} skipped: ${why}\n")
  file(REMOVE "${TRELLIS_GUESTS}/${name}.wasm")
endfunction()

# Runs `kind` of guest_foreign.py, which never fails the build: it makes the module or skips it.
function(tr_guest_foreign name kind)
  cmake_parse_arguments(G "" "" "ARGUMENTS;DEPENDS" ${ARGN})
  tr_guest_target(${name} "" file)
  add_custom_command(
    OUTPUT "${file}"
    COMMAND "${Python3_EXECUTABLE}" "${TRELLIS_GUEST_FOREIGN}" ${kind} "${name}" "${file}"
            ${G_ARGUMENTS}
    DEPENDS ${G_DEPENDS} "${TRELLIS_GUEST_FOREIGN}"
    COMMENT "guest ${name} (${kind})" VERBATIM)
endfunction()

function(tr_guest_assemblyscript name)
  cmake_parse_arguments(G "" "FOLDER;ENTRY" "" ${ARGN})
  if(NOT G_ENTRY)
    set(G_ENTRY index.ts)
  endif()
  find_program(NPM npm)
  find_program(NODE NAMES node nodejs)
  if(NOT NPM OR NOT NODE)
    tr_guest_skip(${name} "no npm")
    return()
  endif()
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/${G_FOLDER}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.ts" "${folder}/*.json")
  tr_guest_foreign(${name} assemblyscript DEPENDS ${sources}
    ARGUMENTS "${NPM}" "${NODE}" "${folder}" "${G_ENTRY}" "${TRELLIS_BUILD_CACHE}")
endfunction()

function(tr_guest_rust name)
  cmake_parse_arguments(G "" "SOURCE" "" ${ARGN})
  # Debian's compiler by its path as well: rustup's may come first on the PATH and has no wasm32.
  find_program(PATH_RUSTC rustc)
  set(why "no rustc with a wasm32-unknown-unknown library")
  foreach(rustc "${PATH_RUSTC}" /usr/bin/rustc)
    if(NOT EXISTS "${rustc}")
      continue()
    endif()
    execute_process(COMMAND "${rustc}" --print sysroot RESULT_VARIABLE failed
      OUTPUT_VARIABLE sysroot ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(failed OR NOT IS_DIRECTORY "${sysroot}/lib/rustlib/wasm32-unknown-unknown/lib")
      continue()
    endif()
    # Debian's rlibs need the linker of their own LLVM; rustup brings its own.
    set(linker rust-lld)
    if(sysroot STREQUAL "/usr")
      find_program(WASM_LD_14 wasm-ld-14)
      if(NOT WASM_LD_14)
        set(why "no wasm-ld-14")
        continue()
      endif()
      set(linker "${WASM_LD_14}")
    endif()
    tr_guest_foreign(${name} rust DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${G_SOURCE}"
      ARGUMENTS "${rustc}" "${linker}" "${CMAKE_CURRENT_SOURCE_DIR}/${G_SOURCE}")
    return()
  endforeach()
  tr_guest_skip(${name} "${why}")
endfunction()

function(tr_guest_go name)
  cmake_parse_arguments(G "" "FOLDER" "" ${ARGN})
  find_program(GO go HINTS /usr/local/go/bin)
  if(NOT GO)
    tr_guest_skip(${name} "no go")
    return()
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env GOTOOLCHAIN=local "${GO}" env GOVERSION
    OUTPUT_VARIABLE version ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REGEX MATCH "[0-9]+\\.[0-9]+" number "${version}")
  if(NOT number OR number VERSION_LESS 1.24)
    tr_guest_skip(${name} "go is ${version}, 1.24 or newer is needed")
    return()
  endif()
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/${G_FOLDER}")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.go" "${folder}/go.mod")
  tr_guest_foreign(${name} go DEPENDS ${sources}
    ARGUMENTS "${GO}" "${folder}" "${TRELLIS_BUILD_CACHE}")
endfunction()
