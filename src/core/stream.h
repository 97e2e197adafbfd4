// A stream of bytes that is pulled: the body of a large request or reply, or an open resource.
//
// One core owns a stream; reads and writes of one stream do not overlap. A resource handle is a
// stream that an `open` invocation answered with: reading it is not an invocation, but counts
// against the same grant and ends when the grant is revoked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trellis/async/task.h"
#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::core {

class Stream {
 public:
  Stream() noexcept = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  /// Fills at most into.size() bytes; 0 is the end of the stream.
  virtual async::Task<Result<std::size_t>> read(MutableByteView into) = 0;
  /// Takes at least one byte of a non-empty `from`, waiting while the other side is slow.
  virtual async::Task<Result<std::size_t>> write(ByteView from) = 0;
  /// Delivers what was written; the value is a status that the resource defines (0: done).
  virtual async::Task<Result<std::int32_t>> flush() = 0;
  /// Ends it in order. Further calls fail.
  virtual async::Task<Result<void>> close() = 0;
  /// Ends it at once, without waiting; wakes a pending read or write with an error.
  virtual void abort() noexcept = 0;
};

}  // namespace trellis::core
