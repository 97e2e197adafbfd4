#include "trellis/core/buffer_stream.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace trellis::core {
namespace {

constexpr std::size_t kReadBlock = 16384;

std::unexpected<Error> closed() {
  return fail(Reason::CallCancelled, "the stream is closed");
}

}  // namespace

async::Task<Result<std::size_t>> BufferStream::read(MutableByteView into) {
  if (!open_) co_return closed();
  const ByteView rest = buffer_.view().subspan(position_);
  const std::size_t count = std::min(rest.size(), into.size());
  if (count > 0) std::memcpy(into.data(), rest.data(), count);
  position_ += count;
  co_return count;
}

async::Task<Result<std::size_t>> BufferStream::write(ByteView) {
  co_return fail(Reason::ContractOperation, "this stream can only be read");
}

async::Task<Result<std::int32_t>> BufferStream::flush() {
  co_return 0;
}

async::Task<Result<void>> BufferStream::close() {
  open_ = false;
  co_return Result<void>();
}

void BufferStream::abort() noexcept {
  open_ = false;
}

async::Task<Result<Bytes>> read_all(Stream& stream, std::size_t max_bytes) {
  Bytes all;
  while (true) {
    const std::size_t used = all.size();
    all.resize(used + kReadBlock);
    CO_TRY(const std::size_t count, co_await stream.read(MutableByteView(all).subspan(used)));
    all.resize(used + count);
    if (count == 0) co_return all;
    if (all.size() > max_bytes) {
      co_return fail(Reason::EngineLimitMessage, "the stream has more than the allowed " +
                                                     std::to_string(max_bytes) + " bytes");
    }
  }
}

}  // namespace trellis::core
