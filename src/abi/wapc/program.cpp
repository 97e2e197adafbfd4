#include "trellis/abi/wapc/program.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trellis/abi/common/import_check.h"
#include "trellis/abi/wapc/guest.h"
#include "trellis/abi/wapc/host_functions.h"

namespace trellis::abi::wapc {
namespace {

using codec::wasm::ExternKind;
using codec::wasm::FunctionType;

constexpr std::string_view kGuestCallType = "ii>i";
constexpr std::array<std::string_view, 3> kStartFunctions{"_start", "_initialize", "wapc_init"};

void add_problem(std::string& problems, const std::string& problem) {
  problems += (problems.empty() ? "" : "; ") + problem;
}

const engine::ModuleInfo::Export* find_export(const engine::ModuleInfo& module,
                                              std::string_view name) {
  for (const auto& exported : module.exports) {
    if (exported.name == name) return &exported;
  }
  return nullptr;
}

// Empty when the export has that type.
std::string type_problem(const engine::ModuleInfo::Export& exported, std::string_view signature) {
  const FunctionType wanted = parse_signature(signature);
  if (exported.kind == ExternKind::Function && exported.type == wanted) return {};
  const std::string is = exported.kind == ExternKind::Function
                             ? codec::wasm::function_type_text(exported.type)
                             : "a " + std::string(codec::wasm::extern_kind_text(exported.kind));
  return "the export " + exported.name + " is " + is + ", but it must be a function " +
         codec::wasm::function_type_text(wanted);
}

Result<void> check_exports(const engine::ModuleInfo& module) {
  std::string problems;
  const auto* memory = find_export(module, "memory");
  if (memory == nullptr) {
    add_problem(problems, "the module does not export its memory as `memory`");
  } else if (memory->kind != ExternKind::Memory) {
    add_problem(problems, "the export memory is not a memory");
  }
  const auto* guest_call = find_export(module, "__guest_call");
  if (guest_call == nullptr) {
    add_problem(problems, "Guest module did not export __guest_call function!");
  } else if (const auto problem = type_problem(*guest_call, kGuestCallType); !problem.empty()) {
    add_problem(problems, problem);
  }
  for (const std::string_view name : kStartFunctions) {
    const auto* exported = find_export(module, name);
    if (exported == nullptr || exported->kind != ExternKind::Function) continue;
    if (const auto problem = type_problem(*exported, ""); !problem.empty()) {
      add_problem(problems, problem);
    }
  }
  if (problems.empty()) return {};
  return fail(Reason::ModuleExport, problems);
}

}  // namespace

Result<void> check_interface(const engine::ModuleInfo& module) {
  TR_CHECK(check_imports(module, offered_imports()));
  return check_exports(module);
}

Result<std::shared_ptr<const Program>> Program::create(std::shared_ptr<const engine::Module> module,
                                                       engine::Ticker& ticker) {
  TR_CHECK(check_interface(module->info()));
  engine::Linker linker(module->engine());
  TR_CHECK(define_imports(linker, module->info()));
  TR_TRY(auto prelinked, engine::Prelinked::create(linker, std::move(module)));
  return std::shared_ptr<const Program>(new Program(std::move(prelinked), ticker));
}

Result<std::unique_ptr<abi::Guest>> Program::create(async::Core& core) const {
  return std::make_unique<Guest>(prelinked_, ticker_.lane(core.index()));
}

}  // namespace trellis::abi::wapc
