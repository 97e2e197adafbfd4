// Calls into guests. The order that everything here keeps: the future goes first, the store last.

#include "trellis/engine/instance.h"

#include <x86intrin.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "trellis/base/assert.h"
#include "trellis/engine/trampolines.h"
#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

constexpr std::string_view kMemoryName = "memory";
constexpr std::string_view kTrapPrefix = "wasm trap: ";

static_assert(sizeof(RawValue) == sizeof(wasmtime_val_raw_t));
static_assert(alignof(RawValue) == alignof(wasmtime_val_raw_t));
static_assert(sizeof(wasmtime_func_t) == sizeof(ExportedFunction::words));
static_assert(sizeof(wasmtime_instance_t) == 2 * sizeof(std::uint64_t));
static_assert(sizeof(wasmtime_memory_t) == 3 * sizeof(std::uint64_t));

Reason trap_reason(std::int32_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW: return Reason::EngineTrapStackOverflow;
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS: return Reason::EngineTrapMemory;
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED: return Reason::EngineTrapHeapMisaligned;
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS: return Reason::EngineTrapTable;
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
    case WASMTIME_TRAP_CODE_NULL_REFERENCE: return Reason::EngineTrapIndirectCallToNull;
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE: return Reason::EngineTrapBadSignature;
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW: return Reason::EngineTrapIntegerOverflow;
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO: return Reason::EngineTrapIntegerDivision;
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER: return Reason::EngineTrapBadConversion;
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED: return Reason::EngineTrapUnreachable;
    case WASMTIME_TRAP_CODE_INTERRUPT: return Reason::EngineDeadline;
    case TR_ERROR_POOL_EXHAUSTED: return Reason::EngineLimitInstances;
    case TR_ERROR_OTHER: return Reason::EngineFailed;
    default: return Reason::EngineTrapOther;
  }
}

wasmtime_func_t unpack(const ExportedFunction& function) {
  wasmtime_func_t raw;
  std::memcpy(&raw, function.words, sizeof raw);
  return raw;
}

bool has_signature(const codec::wasm::FunctionType& type, Signature signature) {
  const auto numbers = [](const std::vector<codec::wasm::ValueType>& types, std::size_t count) {
    const auto is_i32 = [](auto kind) { return kind == codec::wasm::ValueType::I32; };
    return types.size() == count && std::ranges::all_of(types, is_i32);
  };
  switch (signature) {
    case Signature::ToNothing: return numbers(type.parameters, 0) && numbers(type.results, 0);
    case Signature::ToI32: return numbers(type.parameters, 0) && numbers(type.results, 1);
    case Signature::I32I32ToI32: return numbers(type.parameters, 2) && numbers(type.results, 1);
  }
  return false;
}

}  // namespace

// --- host functions -----------------------------------------------------------------------------

void* HostContext::raw_data() const noexcept {
  return instance_.data_;
}

MutableByteView HostContext::memory() const noexcept {
  if (!instance_.memory_known_) instance_.bind_memory(caller_);
  return instance_.memory();
}

wasm_trap_t* Trampolines::sync(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* values,
                               size_t count) noexcept {
  auto& instance =
      *static_cast<Instance*>(wasmtime_context_get_data(wasmtime_caller_context(caller)));
  HostContext context(instance, caller);
  const auto function = reinterpret_cast<SyncFunction>(env);
  if (function(context, {reinterpret_cast<RawValue*>(values), count}) == HostStatus::Ready) {
    return nullptr;
  }
  instance.call_->host_trapped_ = true;
  constexpr std::string_view kMessage = "host function trapped";
  return wasmtime_trap_new(kMessage.data(), kMessage.size());
}

namespace {

std::uint8_t raw_status(HostStatus status) {
  switch (status) {
    case HostStatus::Ready: return TR_HOST_READY;
    case HostStatus::Pending: return TR_HOST_PENDING;
    case HostStatus::Trap: return TR_HOST_TRAP;
  }
  return TR_HOST_TRAP;
}

}  // namespace

uint8_t Trampolines::begin(void* env, void* data, wasmtime_caller_t* caller,
                           const int32_t* arguments, size_t count, int32_t* result) noexcept {
  auto& instance = *static_cast<Instance*>(data);
  HostContext context(instance, caller);
  const auto function = reinterpret_cast<decltype(AsyncFunction::begin)>(env);
  const HostStatus status = function(context, {arguments, count}, *result);
  if (status == HostStatus::Trap) instance.call_->host_trapped_ = true;
  return raw_status(status);
}

uint8_t Trampolines::resume(void* env, void* data, wasmtime_caller_t* caller,
                            int32_t* result) noexcept {
  auto& instance = *static_cast<Instance*>(data);
  HostContext context(instance, caller);
  const auto function = reinterpret_cast<decltype(AsyncFunction::resume)>(env);
  const HostStatus status = function(context, *result);
  if (status == HostStatus::Trap) instance.call_->host_trapped_ = true;
  return raw_status(status);
}

wasmtime_error_t* Trampolines::epoch(wasmtime_context_t*, void* data, uint64_t* delta,
                                     wasmtime_update_deadline_kind_t* kind) noexcept {
  Call& call = *static_cast<Instance*>(data)->call_;
  const Interruption& limits = call.interruption_;
  if (limits.cancelled != nullptr && limits.cancelled->load(std::memory_order_relaxed)) {
    call.interrupted_ = Call::Interrupted::Cancelled;
    return wasmtime_error_new("cancelled");
  }
  if (limits.deadline != TimePoint::max() && SteadyClock::now() >= limits.deadline) {
    call.interrupted_ = Call::Interrupted::Deadline;
    return wasmtime_error_new("deadline");
  }
  *delta = 1;
  // The epoch may have moved while the guest waited: a slice that only just began goes on.
  if (call.instance_.lane_.ticker().ticks() == call.slice_tick_) {
    *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
    return nullptr;
  }
  *kind = WASMTIME_UPDATE_DEADLINE_YIELD;
  call.yielded_ = true;
  call.instance_.lane_.ticker().note_slice_used();
  return nullptr;
}

// --- instances ----------------------------------------------------------------------------------

Instance::Instance(std::shared_ptr<const Prelinked> prelinked, Ticker::Lane& lane, void* data)
    : prelinked_(std::move(prelinked)), lane_(lane), data_(data) {
  const Engine& engine = prelinked_->module().engine();
  const Limits& limits = engine.limits();
  store_ = wasmtime_store_new(engine.raw(), this, nullptr);
  context_ = wasmtime_store_context(store_);
  wasmtime_store_limiter(store_, static_cast<std::int64_t>(limits.max_memory_bytes),
                         limits.max_table_elements, 1, limits.max_tables, 1);
  wasmtime_store_epoch_deadline_callback(store_, Trampolines::epoch, this, nullptr);
}

Instance::~Instance() {
  TR_ASSERT(call_ == nullptr);
  for (tr_function* function : prepared_) tr_function_delete(function);
  wasmtime_store_delete(store_);
}

Call Instance::instantiate(const Interruption& interruption) {
  return Call(*this, interruption, Call::Instantiate{});
}

std::optional<ExportedFunction> Instance::find(std::string_view name, Signature signature) {
  TR_ASSERT(usable() && call_ == nullptr);
  const auto* exported = prelinked_->module().info().find_function(name);
  if (exported == nullptr || !has_signature(exported->type, signature)) return std::nullopt;
  wasmtime_instance_t raw;
  std::memcpy(&raw, instance_words_, sizeof raw);
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context_, &raw, name.data(), name.size(), &item) ||
      item.kind != WASMTIME_EXTERN_FUNC) {
    return std::nullopt;
  }
  ExportedFunction function{.signature = signature};
  std::memcpy(function.words, &item.of.func, sizeof function.words);
  if (signature == Signature::I32I32ToI32) {
    function.prepared = tr_function_new(context_, &item.of.func);
    prepared_.push_back(function.prepared);
  }
  return function;
}

void Instance::bind_memory(wasmtime_caller* caller) noexcept {
  wasmtime_extern_t item;
  bool found = false;
  if (caller != nullptr) {
    found = wasmtime_caller_export_get(caller, kMemoryName.data(), kMemoryName.size(), &item);
  } else {
    wasmtime_instance_t raw;
    std::memcpy(&raw, instance_words_, sizeof raw);
    found =
        wasmtime_instance_export_get(context_, &raw, kMemoryName.data(), kMemoryName.size(), &item);
  }
  if (!found) return;
  if (item.kind == WASMTIME_EXTERN_MEMORY) {
    std::memcpy(memory_words_, &item.of.memory, sizeof memory_words_);
    memory_base_ = reinterpret_cast<std::byte*>(wasmtime_memory_data(context_, &item.of.memory));
    memory_known_ = true;
  } else {
    wasmtime_extern_delete(&item);
  }
}

MutableByteView Instance::memory() const noexcept {
  if (!memory_known_) return {};
  wasmtime_memory_t raw;
  std::memcpy(&raw, memory_words_, sizeof raw);
  return {memory_base_, wasmtime_memory_data_size(context_, &raw)};
}

// --- calls --------------------------------------------------------------------------------------

Call::Call(Instance& instance, const Interruption& interruption, Instantiate)
    : instance_(instance), interruption_(interruption), instantiating_(true) {
  TR_ASSERT(instance.state_ == Instance::State::New && instance.call_ == nullptr);
  instance.call_ = this;
  wasmtime_context_set_epoch_deadline(instance.context_, 1);
  static_assert(alignof(wasmtime_instance_t) == alignof(std::uint64_t));
  call_ = tr_call_instantiate(instance.prelinked_->raw(), instance.context_,
                              reinterpret_cast<wasmtime_instance_t*>(instance.instance_words_));
}

Call::Call(Instance& instance, const ExportedFunction& function, const Interruption& interruption,
           std::int32_t first, std::int32_t second)
    : instance_(instance), interruption_(interruption) {
  TR_ASSERT(instance.usable() && instance.call_ == nullptr);
  instance.call_ = this;
  wasmtime_context_set_epoch_deadline(instance.context_, 1);
  switch (function.signature) {
    case Signature::ToNothing: {
      const wasmtime_func_t raw = unpack(function);
      call_ = tr_call_to_nothing(instance.context_, &raw);
      break;
    }
    case Signature::ToI32: {
      const wasmtime_func_t raw = unpack(function);
      call_ = tr_call_to_i32(instance.context_, &raw);
      break;
    }
    case Signature::I32I32ToI32:
      call_ = tr_call_function(instance.context_, function.prepared, first, second);
      break;
  }
}

Call::~Call() {
  if (call_ != nullptr) {
    tr_call_delete(call_);
    if (begun_) instance_.state_ = Instance::State::Broken;
  }
  instance_.call_ = nullptr;
}

CallState Call::poll() noexcept {
  TR_ASSERT(call_ != nullptr);
  begun_ = true;
  yielded_ = false;
  Ticker::Lane& lane = instance_.lane_;
  slice_tick_ = lane.ticker().ticks();
  const std::uint64_t start = __rdtsc();
  lane.enter();
  const std::uint8_t state = tr_call_poll(call_, &result_);
  lane.leave();
  cpu_ticks_ += __rdtsc() - start;
  if (state != TR_CALL_PENDING) return finish(state == TR_CALL_FAILED);
  if (!yielded_) return CallState::Waiting;
  ++slices_;
  return CallState::Yielded;
}

CallState Call::finish(bool failed) noexcept {
  if (failed) record_failure();
  tr_call_delete(call_);
  call_ = nullptr;
  if (failed) {
    instance_.state_ = Instance::State::Broken;
    return CallState::Failed;
  }
  if (instantiating_) {
    instance_.state_ = Instance::State::Usable;
    if (!instance_.memory_known_) instance_.bind_memory(nullptr);
  }
  return CallState::Done;
}

void Call::record_failure() noexcept {
  const std::uint8_t* text = nullptr;
  std::size_t length = 0;
  const std::int32_t code = tr_call_error(call_, &text, &length);
  failure_.reason = trap_reason(code);
  std::string_view message(reinterpret_cast<const char*>(text), length);
  if (message.starts_with(kTrapPrefix)) message.remove_prefix(kTrapPrefix.size());
  failure_.message = message;
  tr_call_backtrace(call_, &text, &length);
  failure_.backtrace.assign(reinterpret_cast<const char*>(text), length);
  if (host_trapped_) {
    failure_.host_raised = true;
    failure_.reason = Reason::EngineTrapOther;
  } else if (interrupted_ == Interrupted::Deadline) {
    failure_.reason = Reason::EngineDeadline;
    failure_.message = "the guest ran past its deadline";
  } else if (interrupted_ == Interrupted::Cancelled) {
    failure_.reason = Reason::EngineCancelled;
    failure_.message = "the call was cancelled";
  } else if (failure_.reason == Reason::EngineLimitInstances) {
    failure_.message = "all instance slots are taken: " + failure_.message;
  } else if (instantiating_ && failure_.reason == Reason::EngineFailed) {
    failure_.message = "instantiating the module: " + failure_.message;
  }
}

std::uint64_t Call::cpu_nanoseconds() const noexcept {
  return instance_.lane_.ticker().nanoseconds(cpu_ticks_);
}

}  // namespace trellis::engine
