// Where the control sockets of this user's hosts lie: a folder of mode 0700, one socket a process.
#pragma once

#include <string>

#include "trellis/base/error.h"

namespace trellis::control {

/// A path for the socket of this process, in a folder that is made when it is missing: below
/// $XDG_RUNTIME_DIR, else the data directory, else (where that is too long for a socket) /tmp.
Result<std::string> new_socket_path();

/// The socket of the only running host of this user; control.unreachable says when there is none,
/// or lists them when there are several.
Result<std::string> only_socket();

}  // namespace trellis::control
