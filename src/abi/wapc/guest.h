// One waPC instance on one core.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "trellis/abi/common/guest.h"
#include "trellis/abi/wapc/session.h"
#include "trellis/engine/instance.h"

namespace trellis::abi::wapc {

class Guest final : public abi::Guest {
 public:
  Guest(std::shared_ptr<const engine::Prelinked> prelinked, engine::Ticker::Lane& lane);

  async::Task<Result<void>> start(CallFrame& frame) override;
  async::Task<Result<core::Buffer>> call(std::string_view operation, ByteView payload,
                                         CallFrame& frame) override;

  bool usable() const noexcept override { return guest_call_ && instance_.usable(); }

  std::uint64_t memory_bytes() const noexcept override { return instance_.memory_bytes(); }

  const std::optional<std::string>& guest_error() const noexcept override {
    return session_.guest_error_text();
  }

 private:
  async::Task<engine::CallState> drive(engine::Call& call, engine::CallState state,
                                       CallFrame& frame);
  async::Task<Result<void>> start_function(const char* name, CallFrame& frame);
  Error ended_early(const engine::Call& call, CallFrame& frame) const;
  void account(const engine::Call& call, CallFrame& frame) const noexcept;

  Session session_;
  engine::Instance instance_;
  std::optional<engine::ExportedFunction> guest_call_;
};

}  // namespace trellis::abi::wapc
