# The engine archive: Wasmtime's C API and our shim, one static library made by cargo.
#
# Its target directory lies outside the build tree and is named after the lock file, so that only
# the first build after an engine upgrade is slow. TRELLIS_ENGINE_ARCHIVE and
# TRELLIS_ENGINE_INCLUDE_DIR name a prebuilt archive and its headers instead.

set(TRELLIS_ENGINE_ARCHIVE "" CACHE FILEPATH "a prebuilt libtrellis_engine.a; empty: build it")
set(TRELLIS_ENGINE_INCLUDE_DIR "" CACHE PATH "the C headers of the prebuilt archive")
if(DEFINED ENV{TRELLIS_BUILD_CACHE})
  set(default_cache "$ENV{TRELLIS_BUILD_CACHE}")
else()
  set(default_cache "$ENV{HOME}/.cache/trellis-build")
endif()
set(TRELLIS_BUILD_CACHE "${default_cache}" CACHE PATH "what outlives a build tree")

set(rust_dir "${CMAKE_SOURCE_DIR}/src/engine/rust")
add_library(trellis_wasmtime INTERFACE)
if(TRELLIS_ENGINE_ARCHIVE)
  if(NOT TRELLIS_ENGINE_INCLUDE_DIR)
    message(FATAL_ERROR "TRELLIS_ENGINE_ARCHIVE needs TRELLIS_ENGINE_INCLUDE_DIR")
  endif()
  set(archive "${TRELLIS_ENGINE_ARCHIVE}")
  set(include_dir "${TRELLIS_ENGINE_INCLUDE_DIR}")
else()
  file(SHA256 "${rust_dir}/Cargo.lock" lock_hash)
  string(SUBSTRING "${lock_hash}" 0 16 lock_hash)
  set(cargo_target "${TRELLIS_BUILD_CACHE}/engine-${lock_hash}")
  # A copy in the build tree: another checkout may build its own shim into the same target.
  set(archive "${CMAKE_BINARY_DIR}/engine/libtrellis_engine.a")
  set(include_dir "${cargo_target}/include")
  file(MAKE_DIRECTORY "${include_dir}")
  find_program(CARGO cargo HINTS "$ENV{HOME}/.cargo/bin" REQUIRED)
  if(DEFINED ENV{TRELLIS_CARGO})
    set(CARGO "$ENV{TRELLIS_CARGO}")
  endif()
  # The compiler beside that cargo: the one on the PATH may be older.
  set(rustc_setting "")
  if(DEFINED ENV{TRELLIS_RUSTC})
    set(rustc_setting "RUSTC=$ENV{TRELLIS_RUSTC}")
  endif()
  file(GLOB rust_sources CONFIGURE_DEPENDS "${rust_dir}/src/*.rs")
  add_custom_command(
    OUTPUT "${archive}"
    COMMAND "${CMAKE_COMMAND}" -E env "CARGO_TARGET_DIR=${cargo_target}"
            "TRELLIS_ENGINE_INCLUDE=${include_dir}" ${rustc_setting}
            "${CARGO}" build --release --locked --manifest-path "${rust_dir}/Cargo.toml"
    COMMAND "${CMAKE_COMMAND}" -E copy "${cargo_target}/release/libtrellis_engine.a" "${archive}"
    DEPENDS "${rust_dir}/Cargo.lock" "${rust_dir}/Cargo.toml" "${rust_dir}/build.rs" ${rust_sources}
    USES_TERMINAL VERBATIM
    COMMENT "building the engine with cargo (a few minutes the first time)")
  add_custom_target(engine_archive DEPENDS "${archive}")
  add_dependencies(trellis_wasmtime engine_archive)
endif()
target_include_directories(trellis_wasmtime SYSTEM INTERFACE "${include_dir}")
target_include_directories(trellis_wasmtime INTERFACE "${rust_dir}/include")
target_link_libraries(trellis_wasmtime INTERFACE "${archive}" pthread dl m)
