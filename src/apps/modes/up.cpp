// `trellis up`: a host from a manifest, or from one module.
#include <malloc.h>
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "trellis/apps/cli/app.h"
#include "trellis/apps/cli/output.h"
#include "trellis/apps/modes/modes.h"
#include "trellis/base/file.h"
#include "trellis/base/log.h"
#include "trellis/claims/key_file.h"
#include "trellis/codec/json.h"
#include "trellis/control/control_server.h"
#include "trellis/control/socket_path.h"
#include "trellis/host/host.h"
#include "trellis/host/manifest.h"

namespace trellis::apps::modes {
namespace {

constexpr const char* kDefaultManifest = "trellis.yaml";
/// SIGTERM to exit takes at most 10 s (interfaces.md); this is what requests get of it.
constexpr std::chrono::seconds kDrain{7};
constexpr std::chrono::seconds kControlDrain{1};
/// When the process ends in any case: what compiles or starts by then is given up.
constexpr std::chrono::milliseconds kLastMoment{9'500};

struct UpCommand {
  cli::Format format = cli::Format::Text;
  std::string source;
  std::vector<std::string> trusted;
  bool dev = false;
  bool keep_going = false;
  std::optional<std::string> ready_file;
};

/// Signals that end the host are waited for by the main thread alone.
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::unique_ptr<char, decltype(&std::free)> folder(::realpath(".", nullptr), &std::free);
  return folder == nullptr ? path : std::string(folder.get()) + "/" + path;
}

Result<host::Manifest> manifest_of(const std::string& source) {
  const std::string path = absolute(source);
  if (source.ends_with(".wasm")) return host::manifest_of_file(path);
  auto manifest = host::read_manifest(path);
  if (!manifest && manifest.error().reason() == Reason::ManifestUnreadable &&
      source == kDefaultManifest) {
    return fail(Reason::ManifestUnreadable,
                "there is no trellis.yaml here; name a manifest or a module: `trellis up FILE`");
  }
  return manifest;
}

Result<claims::TrustList> trust_of(const UpCommand& command, const host::Manifest& manifest) {
  claims::TrustList trust;
  for (const std::string& account : manifest.trusted_accounts) TR_CHECK(trust.add(account));
  for (const std::string& account : command.trusted) {
    if (auto added = trust.add(account); !added) {
      return fail(Reason::UsageInvalid, "--trust " + account + ": " + added.error().message());
    }
  }
  if (command.dev) {
    TR_TRY(const auto account, claims::dev_account());
    TR_CHECK(trust.add(account.public_key()));
    log::warn(
        "the local development account is trusted: anyone who can read its seed may sign "
        "what runs here",
        {{"account", account.public_text()}, {"file", claims::dev_account_path()}});
  }
  return trust;
}

int exit_code_of(const Error& error) {
  switch (error.reason()) {
    case Reason::ManifestInvalid:
    case Reason::ManifestUnreadable:
    case Reason::ModuleUnreadable:
    case Reason::UsageInvalid:
    case Reason::KeyMissing: return cli::kExitUsage;
    default: return cli::kExitRefused;
  }
}

codec::json::Object ready_object(const host::Host& host, const control::ControlServer& control) {
  codec::json::Object ready;
  ready["pid"] = ::getpid();
  ready["host_id"] = host.id();
  ready["control"] = control.path();
  ready["listeners"] = host.listeners();
  ready["actors"] = host.actors();
  return ready;
}

void announce(const codec::json::Object& ready) {
  std::string text = "host " + std::string(ready.at("host_id").as_string()) + " is ready\n";
  for (const auto& value : ready.at("actors").as_array()) {
    const auto& actor = value.as_object();
    text += "  " + std::string(actor.at("name").as_string()) + "  " +
            std::string(actor.at("status").as_string());
    if (actor.at("reason").is_string()) {
      text += "  " + std::string(actor.at("reason").as_string());
    }
    for (const auto& url : actor.at("urls").as_array()) text += "  " + std::string(url.as_string());
    text += '\n';
  }
  text += "control socket " + std::string(ready.at("control").as_string()) + "; stop with Ctrl-C\n";
  cli::print_text(text);
}

/// All requests have had their time when this fires; only a compiler or a start function that holds
/// up the orderly end is cut short by it.
void end_in_time() {
  std::thread([] {
    std::this_thread::sleep_for(kLastMoment);
    log::warn("stopping takes too long, ending now");
    log::flush();
    std::_Exit(cli::kExitDone);
  }).detach();
}

Result<void> serve(const UpCommand& command) {
  TR_TRY(auto manifest, manifest_of(command.source));
  host::HostOptions options;
  TR_TRY(options.trust, trust_of(command, manifest));
  options.manifest = std::move(manifest);
  options.keep_going = command.keep_going;
  TR_TRY(const std::string socket, control::new_socket_path());
  TR_TRY(const auto host, host::Host::create(std::move(options)));
  TR_TRY(const auto control, control::ControlServer::open(*host, socket));

  const codec::json::Object ready = ready_object(*host, *control);
  if (command.ready_file) {
    TR_CHECK(write_file_atomically(*command.ready_file,
                                   as_bytes(codec::json::to_text(ready) + "\n"), 0600));
  }
  if (command.format == cli::Format::Json) {
    cli::print_json(ready);
  } else {
    announce(ready);
  }
  const sigset_t signals = stop_signals();
  int signal = 0;
  ::sigwait(&signals, &signal);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second one ends the process at once
  log::info("stopping", {{"signal", signal}});
  end_in_time();
  host->stop_listening(kDrain);
  control->stop(kControlDrain);
  host->stop();
  return {};
}

/// Large buffers come from the system and go back to it when freed. Without this the allocator
/// learns to keep blocks of the size of the bodies that it has seen, for good.
void give_back_large_buffers() {
  constexpr int kLargeBytes = 256 << 10;
  constexpr int kKeptAtTheTop = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);    // NOLINT(concurrency-mt-unsafe): start-up only
  ::mallopt(M_TRIM_THRESHOLD, kKeptAtTheTop);  // NOLINT(concurrency-mt-unsafe): start-up only
}

int run_up(const UpCommand& command) {
  give_back_large_buffers();
  const sigset_t signals = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for SIGPIPE
  const auto served = serve(command);
  log::flush();
  if (served) return cli::kExitDone;
  return cli::report_failure(command.format, served.error(), exit_code_of(served.error()));
}

}  // namespace

void add_up(CLI::App& root, int& exit_code) {
  const auto command = std::make_shared<UpCommand>();
  command->source = kDefaultManifest;
  CLI::App& up = *root.add_subcommand("up", "Start a host");
  up.add_option("SOURCE", command->source, "a manifest, or one module FILE.wasm")
      ->type_name("MANIFEST|FILE.wasm")
      ->capture_default_str();
  up.add_option("--trust", command->trusted, "run what this account signed (repeats)")
      ->type_name("ACCOUNT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  up.add_flag("--dev", command->dev, "trust the local development account");
  up.add_flag("--keep-going", command->keep_going, "start the others when an actor is refused");
  up.add_option("--ready-file", command->ready_file, "written once every listener accepts")
      ->type_name("FILE");
  cli::add_format_option(up, command->format);
  cli::set_example(up, "trellis up trellis.yaml --dev");
  up.callback([command, &exit_code] { exit_code = run_up(*command); });
}

}  // namespace trellis::apps::modes
