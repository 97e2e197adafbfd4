#include "trellis/provider/contract.h"

#include <algorithm>
#include <array>

#include "trellis/codec/msgpack.h"

namespace trellis::provider {
namespace {

using enum Direction;

constexpr std::array<std::string_view, 2> kExtrasIds = {"wascc:extras", "wasmcloud:extras"};
constexpr std::array<std::string_view, 2> kHttpIds = {"wascc:http_server", "wasmcloud:httpserver"};
constexpr std::array<std::string_view, 2> kKeyValueIds = {"wascc:keyvalue", "wasmcloud:keyvalue"};
constexpr std::array<std::string_view, 2> kLoggingIds = {"wascc:logging", "wasmcloud:logging"};

constexpr std::array kExtras = {
    Operation{"RequestGuid", ToProvider, "a random UUID"},
    Operation{"RequestRandom", ToProvider, "a random number from min up to but not including max"},
    Operation{"RequestSequence", ToProvider, "the next number of the actor's own sequence"},
};

constexpr std::array kHttp = {
    Operation{"HandleRequest", ToActor, "answers one HTTP request"},
};

constexpr std::array kKeyValue = {
    Operation{"Add", ToProvider, "adds to a number"},
    Operation{"Clear", ToProvider, "removes a key with all that it holds"},
    Operation{"Del", ToProvider, "removes a key"},
    Operation{"Get", ToProvider, "reads a text"},
    Operation{"KeyExists", ToProvider, "tells whether a key is there"},
    Operation{"ListItemDelete", ToProvider, "removes all equal items of a list"},
    Operation{"Push", ToProvider, "puts an item at the head of a list"},
    Operation{"Range", ToProvider, "reads a part of a list"},
    Operation{"Set", ToProvider, "writes a text"},
    Operation{"SetAdd", ToProvider, "puts a member into a set"},
    Operation{"SetIntersection", ToProvider, "reads what several sets have in common"},
    Operation{"SetQuery", ToProvider, "reads the members of a set"},
    Operation{"SetRemove", ToProvider, "takes a member out of a set"},
    Operation{"SetUnion", ToProvider, "reads what at least one of several sets holds"},
};

constexpr std::array kLogging = {
    Operation{"WriteLog", ToProvider, "writes one record to the log"},
    Operation{"write", ToProvider, "the same, as AssemblyScript actors of 2020 call it"},
};

constexpr std::array kContracts = {
    Contract{"extras", kExtrasIds, "Trellis extras", kExtras},
    Contract{"http_server", kHttpIds, "Trellis HTTP server", kHttp},
    Contract{"keyvalue", kKeyValueIds, "Trellis key-value store", kKeyValue},
    Contract{"logging", kLoggingIds, "Trellis logging", kLogging},
};

constexpr std::string_view kDescriptorVersion = "0.1.0";
constexpr std::uint64_t kDescriptorRevision = 1;

}  // namespace

const Operation* Contract::find_operation(std::string_view operation) const noexcept {
  const auto found = std::ranges::find(operations, operation, &Operation::name);
  return found == operations.end() ? nullptr : &*found;
}

bool Contract::has_id(std::string_view id) const noexcept {
  return std::ranges::find(ids, id) != ids.end();
}

std::span<const Contract> contracts() noexcept {
  return kContracts;
}

const Contract* find_contract(std::string_view name_or_id) noexcept {
  const auto found = std::ranges::find_if(kContracts, [name_or_id](const Contract& contract) {
    return contract.name == name_or_id || contract.has_id(name_or_id);
  });
  return found == kContracts.end() ? nullptr : &*found;
}

std::string contract_names() {
  std::string names;
  for (const Contract& contract : kContracts) {
    if (!names.empty()) names += ", ";
    names += contract.name;
  }
  return names;
}

Bytes encode_descriptor(const Contract& contract, std::string_view id) {
  Bytes out;
  codec::msgpack::Writer writer(out);
  writer.map(6);
  writer.text("id");
  writer.text(id);
  writer.text("name");
  writer.text(contract.title);
  writer.text("version");
  writer.text(kDescriptorVersion);
  writer.text("revision");
  writer.unsigned_integer(kDescriptorRevision);
  writer.text("long_description");
  writer.text(contract.title);
  writer.text("supported_operations");
  writer.array(static_cast<std::uint32_t>(contract.operations.size()));
  for (const Operation& operation : contract.operations) {
    writer.map(3);
    writer.text("name");
    writer.text(operation.name);
    writer.text("direction");
    writer.map(1);
    writer.unsigned_integer(static_cast<std::uint64_t>(operation.direction));
    writer.nil();
    writer.text("doctext");
    writer.text(operation.text);
  }
  return out;
}

}  // namespace trellis::provider
