// A running copy of a module, and calls into it.
//
//   Instance instance(prelinked, ticker.lane(core.index()), &guest);
//   { Call start = instance.instantiate({.deadline = ...}); poll it until Done; }
//   auto f = instance.find("__guest_call", Signature::I32I32ToI32);
//   Call call(instance, *f, {.deadline = ...}, operation_size, payload_size);
//   switch (call.poll()) { ... }
//
// An instance belongs to one core; only that thread touches it. One call at a time: a call is
// destroyed before the next one starts and before its instance. Destroying a call that is not
// finished cuts the guest off; the instance is then only good for destroying (usable() is false).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/clock.h"
#include "trellis/engine/failure.h"
#include "trellis/engine/host_function.h"
#include "trellis/engine/linker.h"
#include "trellis/engine/ticker.h"

struct wasmtime_store;
struct wasmtime_context;
struct tr_call;
struct tr_function;

namespace trellis::engine {

/// The types of exported functions that the host calls.
enum class Signature : std::uint8_t { ToNothing, ToI32, I32I32ToI32 };

/// An exported function of one instance; a plain value, valid as long as the instance.
struct ExportedFunction {
  std::uint64_t words[2] = {};
  tr_function* prepared = nullptr;  // of I32I32ToI32; the instance owns it
  Signature signature = Signature::ToNothing;
};

/// When a computing guest is cut off. Looked at whenever its slice ends; a guest that waits in a
/// host function is not interrupted: whoever waits for it destroys the call.
struct Interruption {
  TimePoint deadline = TimePoint::max();         // engine.deadline
  const std::atomic<bool>* cancelled = nullptr;  // engine.cancelled once it reads true
};

enum class CallState : std::uint8_t {
  Done,     // the result is there
  Waiting,  // an asynchronous host function answered Pending: poll again when it can go on
  Yielded,  // the slice is over: poll again when it is the guest's turn
  Failed,   // failure() says why
};

class Call;

class Instance {
 public:
  /// `data` is what host functions get; it and `lane` outlive the instance. Cheap: the slot is
  /// taken by instantiate().
  Instance(std::shared_ptr<const Prelinked> prelinked, Ticker::Lane& lane, void* data);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  /// Takes a slot and runs the start section. Failures: engine.limit.instances when the pool is
  /// full, engine.limit.memory, or what the start section did. Once, first.
  Call instantiate(const Interruption& interruption);

  /// An exported function of exactly that type; empty if there is none. After instantiate().
  std::optional<ExportedFunction> find(std::string_view name, Signature signature);

  /// The exported memory `memory`, empty when there is none. Between calls and while a call waits;
  /// the base never changes, the size only grows.
  MutableByteView memory() const noexcept;

  /// Instantiated, and no call failed or was cut off.
  bool usable() const noexcept { return state_ == State::Usable; }

  /// Makes the instance usable again after a call that ended by HostStatus::Trap, when whoever
  /// defined the host function knows that nothing was cut off: an exit with status 0 is the
  /// ordinary end of a start function. Not after a failed instantiate(); no call may be open.
  void accept_exit() noexcept { state_ = State::Usable; }

  /// The size of the memory; it never shrinks, so this is also the peak.
  std::uint64_t memory_bytes() const noexcept { return memory().size(); }

  const Prelinked& prelinked() const noexcept { return *prelinked_; }

  void* data() const noexcept { return data_; }

 private:
  friend class Call;
  friend class HostContext;
  friend struct Trampolines;

  enum class State : std::uint8_t { New, Usable, Broken };

  void bind_memory(wasmtime_caller* caller) noexcept;

  std::shared_ptr<const Prelinked> prelinked_;
  Ticker::Lane& lane_;
  void* data_;
  wasmtime_store* store_;
  wasmtime_context* context_;
  std::uint64_t instance_words_[2] = {};
  std::uint64_t memory_words_[3] = {};
  std::vector<tr_function*> prepared_;
  std::byte* memory_base_ = nullptr;
  bool memory_known_ = false;
  State state_ = State::New;
  Call* call_ = nullptr;
};

class Call {
 public:
  /// A call of an exported function of a usable instance; the arguments count for I32I32ToI32.
  Call(Instance& instance, const ExportedFunction& function, const Interruption& interruption,
       std::int32_t first = 0, std::int32_t second = 0);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  /// Cuts the guest off when it is not finished.
  ~Call();

  /// Runs the guest until it is done, waits, or its slice is over. Not after Done or Failed.
  CallState poll() noexcept;

  /// After Done, of a function that has a result.
  std::int32_t result() const noexcept { return result_; }

  /// After Failed.
  const Failure& failure() const noexcept { return failure_; }

  /// Time spent in poll() so far.
  std::uint64_t cpu_nanoseconds() const noexcept;

  /// Slices that ended by the ticker so far.
  std::uint32_t slices() const noexcept { return slices_; }

 private:
  friend class Instance;
  friend struct Trampolines;

  enum class Interrupted : std::uint8_t { No, Deadline, Cancelled };

  struct Instantiate {};

  Call(Instance& instance, const Interruption& interruption, Instantiate tag);
  CallState finish(bool failed) noexcept;
  void record_failure() noexcept;

  Instance& instance_;
  Interruption interruption_;
  tr_call* call_ = nullptr;
  std::int32_t result_ = 0;
  bool begun_ = false;
  bool yielded_ = false;
  bool host_trapped_ = false;
  bool instantiating_ = false;
  Interrupted interrupted_ = Interrupted::No;
  std::uint32_t slices_ = 0;
  std::uint64_t slice_tick_ = 0;
  std::uint64_t cpu_ticks_ = 0;
  Failure failure_;
};

}  // namespace trellis::engine
