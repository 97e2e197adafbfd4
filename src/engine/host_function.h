// What a host function sees of the guest that calls it.
//
// Host functions run on the guest's fibre stack (256 KiB are certain): they check, copy and record,
// and leave real work to the coroutine that polls the call. They are noexcept, and keep no view of
// guest memory beyond the point where the guest runs again, unless they are asynchronous and not
// finished: the guest's memory neither moves nor shrinks.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "trellis/base/bytes.h"

struct wasmtime_caller;

namespace trellis::engine {

class Instance;

enum class HostStatus : std::uint8_t {
  Ready,    // the result is set
  Pending,  // asynchronous functions only: the call's poll() answers Waiting
  Trap,     // ends the call: its Failure has host_raised, the reason is the callback's own record
};

/// One parameter or result. Parameters come first to last from slot 0; the result goes to slot 0.
class RawValue {
 public:
  std::uint32_t u32() const noexcept { return get<std::uint32_t>(); }

  std::int32_t i32() const noexcept { return get<std::int32_t>(); }

  std::uint64_t u64() const noexcept { return get<std::uint64_t>(); }

  std::int64_t i64() const noexcept { return get<std::int64_t>(); }

  void set_i32(std::int32_t value) noexcept { bits_[0] = static_cast<std::uint32_t>(value); }

  void set_i64(std::int64_t value) noexcept { bits_[0] = static_cast<std::uint64_t>(value); }

 private:
  template <class T>
  T get() const noexcept {
    T value;
    std::memcpy(&value, bits_, sizeof value);
    return value;
  }

  std::uint64_t bits_[2];
};

/// The calling instance; valid during the callback.
class HostContext {
 public:
  HostContext(Instance& instance, wasmtime_caller* caller) noexcept
      : instance_(instance), caller_(caller) {}

  /// The pointer that the instance was made with.
  template <class T>
  T& data() const noexcept {
    return *static_cast<T*>(raw_data());
  }

  void* raw_data() const noexcept;

  /// The exported memory `memory`, also during the start section; empty when there is none.
  /// Whoever reads or writes it checks offset and length with range_fits() first.
  MutableByteView memory() const noexcept;

  Instance& instance() const noexcept { return instance_; }

 private:
  Instance& instance_;
  wasmtime_caller* caller_;
};

/// Never waits. `values` has max(parameters, results) slots.
using SyncFunction = HostStatus (*)(HostContext& context, std::span<RawValue> values) noexcept;

/// May wait: i32 x {4, 6, 8} -> i32. begin() runs once; while it answered Pending, resume() runs at
/// each poll of the call. When the call is destroyed first, neither runs again.
struct AsyncFunction {
  HostStatus (*begin)(HostContext& context, std::span<const std::int32_t> arguments,
                      std::int32_t& result) noexcept = nullptr;
  HostStatus (*resume)(HostContext& context, std::int32_t& result) noexcept = nullptr;
};

}  // namespace trellis::engine
