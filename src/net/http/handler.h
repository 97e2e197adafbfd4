// What answers requests: implemented by whoever opens a server.
#pragma once

#include "trellis/async/cancel.h"
#include "trellis/async/task.h"
#include "trellis/net/http/request.h"
#include "trellis/net/http/response.h"

namespace trellis::http {

class Handler {
 public:
  virtual ~Handler() = default;

  /// Runs on the connection's core; the three arguments outlive the task. `scope` has no deadline
  /// (make a child with one) and is cancelled when the client goes away or the server's time to
  /// stop is over: the task must then end soon. Nothing may be thrown.
  virtual async::Task<void> handle(const Request& request, Response& response,
                                   async::CancelScope& scope) = 0;
};

}  // namespace trellis::http
