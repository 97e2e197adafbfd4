// The waist. Every call, from any transport or guest to any actor, provider or host, is an
// Invocation that a Dispatcher answers with a Reply.
#pragma once

#include <memory>
#include <string_view>

#include "trellis/async/task.h"
#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/core/buffer.h"
#include "trellis/core/call.h"
#include "trellis/core/grant.h"
#include "trellis/core/stream.h"

namespace trellis::core {

/// One call from one entity to another. A value that borrows: all views stay valid until the task
/// that dispatch() returned completes or is destroyed. Whoever needs the bytes longer, or on
/// another thread, copies them.
struct Invocation {
  const Grant& grant;          // proof of authority
  std::string_view operation;  // the bare name: "HandleRequest", "Get"
  ByteView payload;            // the whole payload, or its beginning when there is a stream
  Stream* stream = nullptr;    // the rest of a payload that does not fit in memory
  const CallContext& context;
};

struct Reply {
  Buffer payload;
  std::unique_ptr<Stream> stream;  // the rest, or the resource that an `open` answered with
  Usage usage;
};

/// Actors, providers, remote hosts and the router are this. One object per core, or safe on all.
class Dispatcher {
 public:
  Dispatcher() noexcept = default;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  virtual ~Dispatcher() = default;

  /// Runs on the core of invocation.context.cancel; suspends there and comes back there.
  virtual async::Task<Result<Reply>> dispatch(const Invocation& invocation) = 0;
};

}  // namespace trellis::core
