#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/cli/commands.h"
#include "trellis/apps/cli/output.h"
#include "trellis/base/file.h"
#include "trellis/codec/base64url.h"
#include "trellis/codec/json.h"

namespace trellis::apps::cli {
namespace {

namespace json = codec::json;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;

  json::Object object() const {
    const Result<json::Value> value = json::parse(out);
    return value && value->is_object() ? value->get_object() : json::Object();
  }

  std::string text(std::string_view key) const {
    const json::Object found = object();
    return std::string(json::find_text(found, key).value_or("<none>"));
  }
};

/// Runs commands as the binary does, in a folder of its own.
class Commands : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "trellis-cli-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ::setenv("XDG_DATA_HOME", folder_.c_str(), 1);
    const std::string module = std::string("\0asm\1\0\0\0", 8) + std::string("\0\3\1xy", 5);
    put("plain.wasm", module);
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  void put(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(write_file_atomically(path(name), as_bytes(content), 0600));
  }

  bool exists(const std::string& name) const {
    struct stat status{};
    return ::stat(path(name).c_str(), &status) == 0;
  }

  static Outcome run(std::vector<std::string> arguments) {
    CLI::App root("test", "trellis");
    root.require_subcommand(1);
    int exit_code = kExitDone;
    add_keys(root, exit_code);
    add_sign(root, exit_code);
    add_verify(root, exit_code);
    add_inspect(root, exit_code);
    std::vector<const char*> argv = {"trellis"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.exit_code = parse_and_run(root, static_cast<int>(argv.size()), argv.data(), exit_code);
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }

  /// Makes the two key files and returns the account's public key.
  std::string make_keys() const {
    run({"keys", "gen", "module", "-o", path("m.nk")});
    return run({"keys", "gen", "account", "-o", path("a.nk")}).text("public_key");
  }

  Outcome sign(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"sign",         path("plain.wasm"), "-o",
                                          path("s.wasm"), "--issuer",         path("a.nk"),
                                          "--subject",    path("m.nk")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  std::string folder_;
};

TEST_F(Commands, KeysGenShowDev) {
  const Outcome printed = run({"keys", "gen", "server", "--format", "json"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_EQ(printed.text("kind"), "server");
  EXPECT_EQ(printed.text("public_key").front(), 'N');
  EXPECT_TRUE(printed.text("seed").starts_with("SN"));
  const Outcome written = run({"keys", "gen", "account", "-o", path("a.nk"), "--format", "json"});
  EXPECT_EQ(written.exit_code, 0);
  EXPECT_EQ(written.text("file"), path("a.nk"));
  EXPECT_EQ(written.text("seed"), "<none>");
  const Outcome again = run({"keys", "gen", "account", "-o", path("a.nk"), "--format", "json"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_EQ(again.text("reason"), "file.exists");
  const Outcome shown = run({"keys", "show", path("a.nk"), "--format", "json"});
  EXPECT_EQ(shown.text("public_key"), written.text("public_key"));
  EXPECT_EQ(shown.text("kind"), "account");
  EXPECT_EQ(run({"keys", "show", path("absent")}).exit_code, 1);
  EXPECT_EQ(run({"keys", "gen", "nothing"}).exit_code, 2);
  const Outcome dev = run({"keys", "dev", "--format", "json"});
  EXPECT_EQ(dev.exit_code, 0);
  EXPECT_EQ(run({"keys", "dev", "--format", "json"}).text("public_key"), dev.text("public_key"));
}

TEST_F(Commands, SignAndVerify) {
  const std::string account = make_keys();
  EXPECT_EQ(sign({"--cap", "wascc:keyvalue", "--cap", "other", "--tag", "x", "--name", "N", "--rev",
                  "3", "--ver", "1.0", "--alias", "Big One", "--expires-in", "1h"})
                .exit_code,
            0);
  const Outcome good = run({"verify", path("s.wasm"), "--trust", account, "--format", "json"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  const json::Object object = good.object();
  EXPECT_EQ(json::find_bool(object, "ok"), true);
  EXPECT_TRUE(json::find(object, "reason")->is_null());
  EXPECT_EQ(good.text("section"), "jwt");
  EXPECT_EQ(good.text("issuer"), account);
  EXPECT_EQ(good.text("call_alias"), "big_one");
  EXPECT_EQ(json::to_text(*json::find(object, "capabilities")), R"(["wascc:keyvalue","other"])");
  EXPECT_EQ(json::to_text(*json::find(object, "tags")), R"(["x"])");
  EXPECT_EQ(json::integer(*json::find(object, "revision")), 3);
  EXPECT_TRUE(json::find(object, "not_before")->is_null());
  EXPECT_EQ(json::integer(*json::find(object, "expires")).value() -
                json::integer(*json::find(object, "issued_at")).value(),
            3600);
  const Outcome nobody = run({"verify", path("s.wasm"), "--format", "json"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_EQ(nobody.text("reason"), "claims.untrusted_issuer");
  const Outcome text = run({"verify", path("s.wasm")});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_NE(text.err.find("claims.untrusted_issuer"), std::string::npos);
  EXPECT_EQ(run({"verify", path("s.wasm"), "--trust", account}).exit_code, 0);
  EXPECT_EQ(run({"verify", path("s.wasm"), "--trust", "A"}).exit_code, 2);
  const Outcome absent = run({"verify", path("absent"), "--format", "json"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_EQ(absent.text("reason"), "module.unreadable");
  const Outcome plain = run({"verify", path("plain.wasm"), "--format", "json"});
  EXPECT_EQ(plain.text("reason"), "claims.missing");
  EXPECT_EQ(json::to_text(*json::find(plain.object(), "tags")), "[]");
}

TEST_F(Commands, SignRefusals) {
  make_keys();
  const Outcome kinds = run({"sign", path("plain.wasm"), "-o", path("out.wasm"), "--issuer",
                             path("m.nk"), "--subject", path("m.nk"), "--format", "json"});
  EXPECT_EQ(kinds.exit_code, 1);
  EXPECT_EQ(kinds.text("reason"), "key.kind");
  EXPECT_FALSE(exists("out.wasm"));
  EXPECT_EQ(sign({"--expires-in", "5"}).exit_code, 2);
  EXPECT_EQ(sign({"--expires-in", "5w"}).exit_code, 2);
  EXPECT_EQ(sign({"--expires-in", "9007199254740991s"}).exit_code, 2);
  EXPECT_EQ(sign({"--rev", "2147483648"}).exit_code, 2);
  EXPECT_EQ(sign({"--alias", "\xc3\xa4"}).exit_code, 2);
  EXPECT_EQ(sign({"--dev"}).exit_code, 2);
  EXPECT_EQ(run({"sign", path("plain.wasm"), "-o", path("out.wasm")}).exit_code, 2);
  EXPECT_EQ(run({"sign", path("absent"), "-o", path("out.wasm"), "--issuer", path("a.nk"),
                 "--subject", path("m.nk")})
                .exit_code,
            1);
  EXPECT_FALSE(exists("out.wasm"));
  EXPECT_FALSE(exists("s.wasm"));
}

TEST_F(Commands, DevelopmentSigning) {
  const std::vector<std::string> arguments = {
      "sign", path("plain.wasm"), "-o", path("counter.wasm"), "--dev", "--format", "json"};
  const Outcome none = run(arguments);
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("trellis keys dev"), std::string::npos);
  const std::string account = run({"keys", "dev", "--format", "json"}).text("public_key");
  const Outcome first = run(arguments);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.text("issuer"), account);
  EXPECT_EQ(run(arguments).text("subject"), first.text("subject"));
  std::vector<std::string> named = arguments;
  named.insert(named.end(), {"--name", "other"});
  EXPECT_NE(run(named).text("subject"), first.text("subject"));
  EXPECT_EQ(run({"verify", path("counter.wasm"), "--dev"}).exit_code, 0);
}

TEST_F(Commands, Inspect) {
  make_keys();
  sign({"--name", "N\x1b[31m", "--cap", "wascc:keyvalue"});
  const Outcome shown = run({"inspect", path("s.wasm"), "--format", "json"});
  EXPECT_EQ(shown.exit_code, 0);
  const json::Object object = shown.object();
  EXPECT_EQ(json::find_bool(object, "signed"), true);
  EXPECT_EQ(json::to_text(*json::find(object, "header")), R"({"typ":"jwt","alg":"Ed25519"})");
  EXPECT_TRUE(json::find(object, "claims")->is_object());
  EXPECT_EQ(shown.out.find('\x1b'), std::string::npos);
  const Outcome table = run({"inspect", path("s.wasm")});
  EXPECT_NE(table.out.find("wascc:keyvalue (K/V Store)"), std::string::npos);
  EXPECT_EQ(table.out.find('\x1b'), std::string::npos);
  const Outcome plain = run({"inspect", path("plain.wasm"), "--format", "json"});
  EXPECT_EQ(plain.exit_code, 0);
  EXPECT_EQ(json::find_bool(plain.object(), "signed"), false);
  put("text.wat", "(module)");
  const Outcome text = run({"inspect", path("text.wat"), "--format", "json"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_EQ(text.text("reason"), "module.malformed");
  // A token that no verifier would take is shown all the same.
  const std::string token = codec::base64url_encode(as_bytes(R"({"alg":"none","alg":"x"})")) + "." +
                            codec::base64url_encode(as_bytes("{}")) + ".";
  put("odd.wasm",
      std::string("\0asm\1\0\0\0\0", 9) + static_cast<char>(4 + token.size()) + "\3jwt" + token);
  EXPECT_EQ(run({"inspect", path("odd.wasm")}).exit_code, 0);
}

TEST_F(Commands, UsageErrorsAreOneLineAndHelpHasAnExample) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"keys"},
                                             {"verify"},
                                             {"unknown"},
                                             {"verify", "x", "y"},
                                             {"inspect", "x", "--format", "xml"},
                                             {"inspect", "x", "--bad\x1b"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_TRUE(outcome.out.empty());
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos);
  }
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"keys", "--help"},
                                             {"keys", "gen", "--help"},
                                             {"keys", "show", "--help"},
                                             {"keys", "dev", "--help"},
                                             {"sign", "--help"},
                                             {"verify", "--help"},
                                             {"inspect", "--help"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find("Example:\n  trellis " + arguments[0]), std::string::npos)
        << outcome.out;
  }
}

TEST(Seconds, Durations) {
  EXPECT_EQ(parse_seconds("0s"), 0);
  EXPECT_EQ(parse_seconds("90s"), 90);
  EXPECT_EQ(parse_seconds("15m"), 900);
  EXPECT_EQ(parse_seconds("12h"), 43200);
  EXPECT_EQ(parse_seconds("30d"), 2592000);
  EXPECT_EQ(parse_seconds("9007199254740991s"), 9007199254740991);
  for (const char* text : {"", "s", "5", "-5s", "+5s", " 5s", "5 s", "5S", "1.5h", "5ms",
                           "9007199254740992s", "99999999999999999999d", "0x5s"})
    EXPECT_EQ(parse_seconds(text), std::nullopt) << text;
}

}  // namespace
}  // namespace trellis::apps::cli
