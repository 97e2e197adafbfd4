#include "trellis/abi/wapc/host_functions.h"

#include <array>
#include <string_view>

#include "trellis/abi/wapc/session.h"
#include "trellis/abi/wapc/wasi_numbers.h"
#include "trellis/base/assert.h"
#include "trellis/engine/host_function.h"

namespace trellis::abi::wapc {
namespace {

using engine::HostContext;
using engine::HostStatus;
using engine::RawValue;
using Values = std::span<RawValue>;

constexpr std::string_view kWasiModules[] = {"wasi_snapshot_preview1", "wasi_unstable"};
constexpr std::string_view kUnstable = kWasiModules[1];

Session& session_of(HostContext& context) noexcept {
  return context.data<Session>();
}

// --- waPC and env ---

HostStatus guest_request(HostContext& context, Values v) noexcept {
  return session_of(context).guest_request(context.memory(), v[0].u32(), v[1].u32());
}

HostStatus guest_response(HostContext& context, Values v) noexcept {
  return session_of(context).guest_response(context.memory(), v[0].u32(), v[1].u32());
}

HostStatus guest_error(HostContext& context, Values v) noexcept {
  return session_of(context).guest_error(context.memory(), v[0].u32(), v[1].u32());
}

HostStatus host_response_length(HostContext& context, Values v) noexcept {
  v[0].set_i32(session_of(context).host_response_length());
  return HostStatus::Ready;
}

HostStatus host_response(HostContext& context, Values v) noexcept {
  return session_of(context).host_response(context.memory(), v[0].u32());
}

HostStatus host_error_length(HostContext& context, Values v) noexcept {
  v[0].set_i32(session_of(context).host_error_length());
  return HostStatus::Ready;
}

HostStatus host_error(HostContext& context, Values v) noexcept {
  return session_of(context).host_error(context.memory(), v[0].u32());
}

HostStatus console_log(HostContext& context, Values v) noexcept {
  return session_of(context).console_log(context.memory(), v[0].u32(), v[1].u32());
}

HostStatus abort(HostContext& context, Values v) noexcept {
  return session_of(context).abort(context.memory(), v[0].u32(), v[1].u32(), v[2].u32(),
                                   v[3].u32());
}

HostStatus begin_host_call(HostContext& context, std::span<const std::int32_t> arguments,
                           std::int32_t& result) noexcept {
  return session_of(context).host_call(context.memory(), arguments, result);
}

HostStatus resume_host_call(HostContext& context, std::int32_t& result) noexcept {
  result = session_of(context).host_call_result();
  return HostStatus::Ready;
}

// --- WASI ---

HostStatus with_errno(Values values, HostStatus status, std::int32_t result) noexcept {
  values[0].set_i32(result);
  return status;
}

// The functions whose arguments and result all go through one Session member.
#define TR_WASI_TWO(function)                                                           \
  HostStatus function(HostContext& context, Values v) noexcept {                        \
    std::int32_t result = 0;                                                            \
    const HostStatus status =                                                           \
        session_of(context).function(context.memory(), v[0].u32(), v[1].u32(), result); \
    return with_errno(v, status, result);                                               \
  }
TR_WASI_TWO(args_get)
TR_WASI_TWO(args_sizes_get)
TR_WASI_TWO(environ_get)
TR_WASI_TWO(environ_sizes_get)
TR_WASI_TWO(clock_res_get)
TR_WASI_TWO(random_get)
TR_WASI_TWO(fd_fdstat_get)
#undef TR_WASI_TWO

// The precision (argument 1) is a wish; every clock is read as it is.
HostStatus clock_time_get(HostContext& context, Values v) noexcept {
  std::int32_t result = 0;
  const HostStatus status =
      session_of(context).clock_time_get(context.memory(), v[0].u32(), v[2].u32(), result);
  return with_errno(v, status, result);
}

HostStatus fd_write(HostContext& context, Values v) noexcept {
  std::int32_t result = 0;
  const HostStatus status = session_of(context).fd_write(context.memory(), v[0].u32(), v[1].u32(),
                                                         v[2].u32(), v[3].u32(), result);
  return with_errno(v, status, result);
}

HostStatus fd_read(HostContext& context, Values v) noexcept {
  std::int32_t result = 0;
  const HostStatus status = session_of(context).fd_read(context.memory(), v[0].u32(), v[1].u32(),
                                                        v[2].u32(), v[3].u32(), result);
  return with_errno(v, status, result);
}

HostStatus filestat(HostContext& context, Values v, WasiFlavour flavour) noexcept {
  std::int32_t result = 0;
  const HostStatus status = session_of(context).fd_filestat_get(context.memory(), flavour,
                                                                v[0].u32(), v[1].u32(), result);
  return with_errno(v, status, result);
}

HostStatus fd_filestat_get(HostContext& context, Values v) noexcept {
  return filestat(context, v, WasiFlavour::Preview1);
}

HostStatus fd_filestat_get_unstable(HostContext& context, Values v) noexcept {
  return filestat(context, v, WasiFlavour::Unstable);
}

HostStatus fd_close(HostContext& context, Values v) noexcept {
  return with_errno(v, HostStatus::Ready, session_of(context).fd_close(v[0].u32()));
}

HostStatus proc_exit(HostContext& context, Values v) noexcept {
  return session_of(context).proc_exit(v[0].u32());
}

HostStatus sched_yield(HostContext&, Values v) noexcept {
  return with_errno(v, HostStatus::Ready, wasi::kSuccess);
}

HostStatus unavailable(HostContext&, Values v) noexcept {
  return with_errno(v, HostStatus::Ready, wasi::kNoSystemCall);
}

// Answers for an open standard stream, EBADF for every other descriptor.
HostStatus for_stream(HostContext& context, Values v, std::int32_t answer) noexcept {
  const bool open = session_of(context).descriptor_open(v[0].u32());
  return with_errno(v, HostStatus::Ready, open ? answer : wasi::kBadDescriptor);
}

HostStatus bad_descriptor(HostContext& context, Values v) noexcept {
  return for_stream(context, v, wasi::kNoSystemCall);
}

HostStatus fd_not_seekable(HostContext& context, Values v) noexcept {
  return for_stream(context, v, wasi::kNotSeekable);
}

HostStatus fd_sync(HostContext& context, Values v) noexcept {
  return for_stream(context, v, wasi::kSuccess);
}

// No descriptor is a preopened directory.
HostStatus fd_never(HostContext&, Values v) noexcept {
  return with_errno(v, HostStatus::Ready, wasi::kBadDescriptor);
}

HostStatus begin_poll_preview1(HostContext& context, std::span<const std::int32_t> arguments,
                               std::int32_t& result) noexcept {
  return session_of(context).poll_oneoff(context.memory(), WasiFlavour::Preview1, arguments,
                                         result);
}

HostStatus begin_poll_unstable(HostContext& context, std::span<const std::int32_t> arguments,
                               std::int32_t& result) noexcept {
  return session_of(context).poll_oneoff(context.memory(), WasiFlavour::Unstable, arguments,
                                         result);
}

HostStatus resume_poll(HostContext& context, std::int32_t& result) noexcept {
  return session_of(context).poll_result(context.memory(), result);
}

// --- tables ---

struct SyncRow {
  std::string_view name;
  std::string_view signature;
  engine::SyncFunction function;
};

struct ModuleRow {
  std::string_view module;
  SyncRow row;
};

constexpr ModuleRow kWapc[] = {
#define TR_IMPORT(module, name, signature, handler) {module, {name, signature, handler}},
#include "trellis/abi/wapc/imports.def"
#undef TR_IMPORT
};

constexpr SyncRow kWasi[] = {
#define TR_WASI(name, signature, handler) {name, signature, handler},
#include "trellis/abi/wapc/wasi_imports.def"
#undef TR_WASI
};
static_assert(std::size(kWasi) == 45, "with poll_oneoff these are the 46 functions of preview 1");

constexpr std::string_view kHostCall = "__host_call";
constexpr std::string_view kHostCallTypes[] = {"iiiiiiii>i", "iiiiii>i", "iiii>i"};
constexpr std::string_view kPollOneoff = "poll_oneoff";
constexpr std::string_view kPollType = "iiii>i";
constexpr std::size_t kOffered =
    std::size(kWapc) + std::size(kHostCallTypes) + 2 * (std::size(kWasi) + 1);

constexpr std::array<OfferedImport, kOffered> offered_table() {
  std::array<OfferedImport, kOffered> table{};
  std::size_t at = 0;
  for (const ModuleRow& entry : kWapc) {
    table[at++] = {entry.module, entry.row.name, entry.row.signature};
  }
  for (const std::string_view type : kHostCallTypes) table[at++] = {"wapc", kHostCall, type};
  for (const std::string_view module : kWasiModules) {
    for (const SyncRow& row : kWasi) table[at++] = {module, row.name, row.signature};
    table[at++] = {module, kPollOneoff, kPollType};
  }
  return table;
}

constexpr auto kOfferedTable = offered_table();

const SyncRow* find_sync(const engine::ModuleInfo::Import& import) {
  for (const ModuleRow& entry : kWapc) {
    if (entry.module == import.module && entry.row.name == import.name) return &entry.row;
  }
  for (const SyncRow& row : kWasi) {
    if (row.name == import.name && import.module.starts_with("wasi_")) return &row;
  }
  return nullptr;
}

Result<void> define_one(engine::Linker& linker, const engine::ModuleInfo::Import& import) {
  if (import.name == kHostCall) {
    return linker.define_async(import.module, import.name,
                               static_cast<unsigned>(import.type.parameters.size()),
                               {begin_host_call, resume_host_call});
  }
  const bool unstable = import.module == kUnstable;
  if (import.name == kPollOneoff) {
    return linker.define_async(import.module, import.name, 4,
                               {unstable ? begin_poll_unstable : begin_poll_preview1, resume_poll});
  }
  const SyncRow* row = find_sync(import);
  TR_ASSERT(row != nullptr);
  engine::SyncFunction function = row->function;
  if (unstable && function == fd_filestat_get) function = fd_filestat_get_unstable;
  return linker.define(import.module, import.name, import.type.parameters, import.type.results,
                       function);
}

}  // namespace

std::span<const OfferedImport> offered_imports() {
  return kOfferedTable;
}

Result<void> define_imports(engine::Linker& linker, const engine::ModuleInfo& module) {
  for (const auto& import : module.imports) TR_CHECK(define_one(linker, import));
  return {};
}

}  // namespace trellis::abi::wapc
