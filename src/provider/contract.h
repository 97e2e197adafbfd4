// Contracts: what a provider and an actor agree on. One row for each contract that this host can
// serve, with the ids under which the actors of both generations know it (wascc.md 2.5) and its
// operations. The rows are constants: nothing registers itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "trellis/base/bytes.h"

namespace trellis::provider {

enum class Direction : std::uint8_t { ToActor, ToProvider, Both };

struct Operation {
  std::string_view name;
  Direction direction;
  std::string_view text;  // one line for people
};

struct Contract {
  std::string_view name;                  // as manifests spell it: "keyvalue"
  std::span<const std::string_view> ids;  // as tokens spell it: "wascc:keyvalue", ...
  std::string_view title;                 // for people
  std::span<const Operation> operations;

  const Operation* find_operation(std::string_view operation) const noexcept;
  bool has_id(std::string_view id) const noexcept;
};

/// All contracts, by name.
std::span<const Contract> contracts() noexcept;

/// By manifest name or by an id of either generation; nullptr: none of ours.
const Contract* find_contract(std::string_view name_or_id) noexcept;

/// "extras, http_server, keyvalue, logging": for messages that list the valid choices.
std::string contract_names();

/// The MessagePack of a CapabilityDescriptor (wascc.md 4.7): what `GetCapabilityDescriptor`
/// answers. `id` is the spelling under which the asker knows the contract.
Bytes encode_descriptor(const Contract& contract, std::string_view id);

}  // namespace trellis::provider
