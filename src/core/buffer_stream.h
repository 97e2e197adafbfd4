// A stream over bytes that are there already: what a transport that buffers hands to a reader that
// streams.
#pragma once

#include "trellis/core/buffer.h"
#include "trellis/core/stream.h"

namespace trellis::core {

class BufferStream final : public Stream {
 public:
  explicit BufferStream(Buffer buffer) noexcept : buffer_(std::move(buffer)) {}

  async::Task<Result<std::size_t>> read(MutableByteView into) override;
  async::Task<Result<std::size_t>> write(ByteView from) override;
  async::Task<Result<std::int32_t>> flush() override;
  async::Task<Result<void>> close() override;
  void abort() noexcept override;

 private:
  Buffer buffer_;
  std::size_t position_ = 0;
  bool open_ = true;
};

/// Reads a stream to its end; Reason::EngineLimitMessage when it has more than `max_bytes`.
async::Task<Result<Bytes>> read_all(Stream& stream, std::size_t max_bytes);

}  // namespace trellis::core
