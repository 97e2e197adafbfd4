#include "trellis/host/manifest.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace trellis::host {
namespace {

const std::map<std::string, std::string, std::less<>> kVariables{{"PORT", "8080"}, {"EMPTY", ""}};

Result<Manifest> parse(const std::string& text) {
  return parse_manifest(text, "t.yaml", "/base/", [](std::string_view name) {
    const auto found = kVariables.find(name);
    return found == kVariables.end() ? std::optional<std::string>() : found->second;
  });
}

std::string error_of(const std::string& text) {
  const auto manifest = parse(text);
  if (manifest) return "accepted";
  EXPECT_EQ(manifest.error().reason(), Reason::ManifestInvalid);
  return manifest.error().message();
}

constexpr const char* kGood = R"(
trust: { accounts: [AALMOLEBECT4HKCJD7GTWZAWMJPBXVESDFIJLCPYKOT4PTK2NKA4E3GP] }
actors:
  - { name: counter, file: counter.wasm, limits: { call_ms: 500, start_ms: 1000 } }
  - { file: /abs/echo.wasm, instances: pinned }
providers:
  - { name: web, contract: http_server, listen: "127.0.0.1:${PORT}", limits: { max_connections: 7 } }
  - { name: store, contract: keyvalue, file: counts.db }
links:
  - { actor: counter, provider: web, routes: [{ path: /counter }, { path: /, host: EXAMPLE.org }] }
  - { actor: counter, provider: store, store: counts, allow: { operations: [Add], keys: ["p:*"] } }
)";

TEST(Manifest, ReadsTheWholeSchema) {
  const auto manifest = parse(kGood);
  ASSERT_TRUE(manifest) << manifest.error().message();
  ASSERT_EQ(manifest->trusted_accounts.size(), 1U);
  EXPECT_EQ(manifest->trusted_accounts[0],
            "AALMOLEBECT4HKCJD7GTWZAWMJPBXVESDFIJLCPYKOT4PTK2NKA4E3GP");
  ASSERT_EQ(manifest->actors.size(), 2U);
  EXPECT_EQ(manifest->actors[0].file, "/base/counter.wasm");
  EXPECT_EQ(manifest->actors[0].limits.call, std::chrono::milliseconds(500));
  EXPECT_EQ(manifest->actors[1].name, "echo");
  EXPECT_EQ(manifest->actors[1].file, "/abs/echo.wasm");
  EXPECT_EQ(manifest->actors[1].mode, actor::InstanceMode::Pinned);
  EXPECT_EQ(manifest->actors[1].limits.call, std::chrono::milliseconds(5000));
  EXPECT_EQ(manifest->providers[0].listen, "127.0.0.1:8080");
  EXPECT_EQ(manifest->providers[0].limits.max_connections, 7U);
  EXPECT_EQ(manifest->providers[1].file, "/base/counts.db");
  EXPECT_EQ(manifest->links[0].routes[1].host, "example.org");
  EXPECT_EQ(manifest->links[1].store, "counts");
  EXPECT_EQ(manifest->links[1].binding, "default");
  EXPECT_EQ(manifest->links[1].allow->operations, std::vector<std::string>{"Add"});
}

TEST(Manifest, AbsentListRestrictsNothingAndEmptyListGrantsNothing) {
  const auto manifest = parse(R"(
actors: [{ file: a.wasm }]
providers: [{ name: s, contract: keyvalue }]
links:
  - { actor: a, provider: s, binding: one }
  - { actor: a, provider: s, binding: two, allow: {} }
  - { actor: a, provider: s, binding: three, allow: { operations: [] } }
  - { actor: a, provider: s, binding: four, allow: { keys: } }
)");
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_FALSE(manifest->links[0].allow);
  EXPECT_FALSE(manifest->links[1].allow->operations);
  ASSERT_TRUE(manifest->links[2].allow->operations);
  EXPECT_TRUE(manifest->links[2].allow->operations->empty());
  ASSERT_TRUE(manifest->links[3].allow->resources);
  EXPECT_TRUE(manifest->links[3].allow->resources->empty());
}

TEST(Manifest, ErrorsNameFileLineKeyAndChoices) {
  EXPECT_EQ(error_of("actors:\n  - { file: a.wasm, instnces: warm }\n"),
            "t.yaml:2: actor.instnces: unknown key; valid: name, file, limits, instances");
  EXPECT_EQ(error_of("actors:\n  - { file: a.wasm, instances: cold }\n"),
            "t.yaml:2: actor.instances: 'cold' is not valid; valid: warm, fresh, pinned");
  EXPECT_EQ(error_of("actors: [{ name: a }]"), "t.yaml:1: actor.file: is missing");
  EXPECT_NE(error_of("actors: [{ file: a.wasm, limits: { call_ms: 0 } }]").find("from 1 to"),
            std::string::npos);
  EXPECT_NE(error_of("actors: [{ file: a.wasm, limits: { call_ms: \"5\" } }]").find("an integer"),
            std::string::npos);
  EXPECT_NE(error_of("providers: [{ name: s, contract: graph }]")
                .find("valid: extras, http_server, keyvalue, logging"),
            std::string::npos);
  EXPECT_NE(error_of("providers: [{ name: w, contract: http_server }]").find("listen: is missing"),
            std::string::npos);
  EXPECT_NE(error_of("actors: {").find("t.yaml:"), std::string::npos);
  EXPECT_NE(error_of("- 1").find("must be a map"), std::string::npos);
  EXPECT_NE(error_of("actors: [{ file: a.wasm }, { file: b/a.wasm }]").find("two actors"),
            std::string::npos);
}

TEST(Manifest, LinksAreCheckedAgainstWhatThereIs) {
  const std::string head =
      "actors: [{ file: a.wasm }]\nproviders: [{ name: s, contract: keyvalue }, { name: w, "
      "contract: http_server, listen: \"127.0.0.1:0\" }]\nlinks:\n";
  EXPECT_NE(error_of(head + " - { actor: b, provider: s }").find("there is no actor 'b'; valid: a"),
            std::string::npos);
  EXPECT_NE(error_of(head + " - { actor: a, provider: x }").find("valid: s, w"), std::string::npos);
  EXPECT_NE(error_of(head + " - { actor: a, provider: s }\n - { actor: a, provider: s }")
                .find("two links to a keyvalue"),
            std::string::npos);
  EXPECT_NE(error_of(head + " - { actor: a, provider: s, allow: { operations: [Fly] } }")
                .find("'Fly' is not an operation of keyvalue; valid: "),
            std::string::npos);
  EXPECT_EQ(error_of(head + " - { actor: a, provider: w }"),
            "t.yaml:4: link.routes: must name at least one path");
  EXPECT_EQ(error_of(head + "\n - { actor: b, provider: w }"),
            "t.yaml:5: link.actor: there is no actor 'b'; valid: a");
  EXPECT_NE(error_of(head + " - { actor: a, provider: w, routes: [{ path: /x, host: 'a b' }] }")
                .find("t.yaml:4: route.host: "),
            std::string::npos);
  EXPECT_NE(error_of(head + " - { actor: a, provider: w, routes: [{ path: /x }, { path: /x/ }] }")
                .find("is taken by another link"),
            std::string::npos);
  EXPECT_NE(error_of(head + " - { actor: a, provider: w, routes: [{ path: x }] }")
                .find("must start with '/'"),
            std::string::npos);
  EXPECT_NE(error_of(head + " - { actor: a, provider: w, routes: [{ path: /x }, { path: /x }] }")
                .find("is taken by another link"),
            std::string::npos);
}

TEST(Manifest, VariablesAreExpandedInValues) {
  const auto with = [](const std::string& value) {
    return parse("actors: [{ name: a, file: \"" + value + "\" }]");
  };
  EXPECT_EQ(with("/${PORT}/x")->actors[0].file, "/8080/x");
  EXPECT_EQ(with("/${NONE:a:b}")->actors[0].file, "/a:b");
  EXPECT_EQ(with("/${EMPTY:z}x")->actors[0].file, "/x");
  EXPECT_EQ(with("/$PORT")->actors[0].file, "/$PORT");
  EXPECT_EQ(with("/${A B}")->actors[0].file, "/${A B}");
  const auto limits = parse("actors: [{ file: a.wasm, limits: { call_ms: \"${MS:70}\" } }]");
  ASSERT_TRUE(limits) << limits.error().message();
  EXPECT_EQ(limits->actors[0].limits.call, std::chrono::milliseconds(70));
  const auto missing = with("/${NONE}");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("is not set"), std::string::npos);
}

TEST(Manifest, ABareModuleGetsAllPathsOfAFreePort) {
  const Manifest manifest = manifest_of_file("/x/my actor.wasm");
  EXPECT_EQ(manifest.actors[0].name, "actor");
  EXPECT_EQ(manifest.providers[0].listen, "127.0.0.1:0");
  EXPECT_EQ(manifest.links[0].routes[0].path, "/");
}

TEST(ActorRequest, HasTheSameSchemaAndOnlyItsOwnLinks) {
  const auto good = codec::json::parse(
      R"({"actor":{"name":"a","file":"/a.wasm","limits":{"call_ms":7}},
          "links":[{"provider":"w","routes":[{"path":"/a"}]}]})");
  const auto request = parse_actor_request(*good, "/base/");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->actor.limits.call, std::chrono::milliseconds(7));
  EXPECT_EQ(request->links[0].actor, "a");
  for (const char* bad :
       {R"({"links":[]})", R"([])", R"({"actor":{"file":"a.wasm"},"x":1})",
        R"({"actor":{"name":"a","file":"a.wasm"},"links":[{"actor":"b","provider":"w"}]})",
        R"({"actor":{"name":"a","file":"a.wasm","limits":{"call_ms":"7"}}})"}) {
    EXPECT_FALSE(parse_actor_request(*codec::json::parse(bad), "")) << bad;
  }
}

}  // namespace
}  // namespace trellis::host
