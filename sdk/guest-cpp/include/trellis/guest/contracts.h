// The ids of the capability contracts. Two generations of names exist: `wascc:*` (2020, the
// default) and `wasmcloud:*` (2021), chosen for a whole actor by defining TRELLIS_GUEST_WASMCLOUD.
// The token must claim the same ids.
#pragma once

#include "trellis/guest/text.h"

namespace trellis::guest {

#ifdef TRELLIS_GUEST_WASMCLOUD
inline constexpr bool kGeneration2021 = true;
inline constexpr Text kHttpServer = "wasmcloud:httpserver";
inline constexpr Text kKeyValue = "wasmcloud:keyvalue";
inline constexpr Text kLogging = "wasmcloud:logging";
inline constexpr Text kExtras = "wasmcloud:extras";
#else
inline constexpr bool kGeneration2021 = false;
inline constexpr Text kHttpServer = "wascc:http_server";
inline constexpr Text kKeyValue = "wascc:keyvalue";
inline constexpr Text kLogging = "wascc:logging";
inline constexpr Text kExtras = "wascc:extras";
#endif

}  // namespace trellis::guest
