// The compile worker under its limits, and the code cache under attack.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/base/log.h"
#include "trellis/engine/compile_protocol.h"
#include "trellis/engine/compiler.h"
#include "trellis/engine/test_support.h"
#include "trellis/engine/wasm_builder.h"

namespace trellis::engine {
namespace {

namespace fs = std::filesystem;
using test::from_text;
using test::run;
using ::testing::HasSubstr;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "trellis-engine-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  ~TemporaryFolder() { fs::remove_all(path_); }

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

CompilerOptions worker_options() {
  CompilerOptions options;
  options.executable = TRELLIS_COMPILE_WORKER;
  if (const char* sanitizer = std::getenv("ASAN_OPTIONS")) {
    options.environment.push_back(std::string("ASAN_OPTIONS=") + sanitizer);
  }
  return options;
}

class CompileTest : public ::testing::Test {
 protected:
  CompileTest() : engine_(std::move(Engine::create({})).value()), linker_(*engine_), ticker_(1) {
    ticker_.watch(*engine_);
  }

  /// Runs the exported function f of the module.
  std::int32_t result_of(const std::shared_ptr<const Module>& module) {
    auto prelinked = Prelinked::create(linker_, module);
    EXPECT_TRUE(prelinked);
    Instance instance(*prelinked, ticker_.lane(0), nullptr);
    {
      Call call = instance.instantiate({});
      EXPECT_EQ(run(call), CallState::Done);
    }
    Call call(instance, *instance.find("f", Signature::ToI32), {});
    EXPECT_EQ(run(call), CallState::Done);
    return call.result();
  }

  const Bytes answer_ = from_text(R"((module (func (export "f") (result i32) i32.const 42)))");
  std::unique_ptr<Engine> engine_;
  Linker linker_;
  Ticker ticker_;
};

TEST_F(CompileTest, TheWorkerMakesTheSameCode) {
  Compiler compiler(worker_options());
  const auto code = compiler.compile(*engine_, answer_);
  ASSERT_TRUE(code) << code.error().message();
  EXPECT_EQ(*code, *Module::precompile(*engine_, answer_));
  const auto module = Loader(*engine_, nullptr, &compiler).load(answer_);
  ASSERT_TRUE(module) << module.error().message();
  EXPECT_EQ(result_of(*module), 42);
}

TEST_F(CompileTest, RefusalsComeBackAsText) {
  Compiler compiler(worker_options());
  const auto code = compiler.compile(*engine_, as_bytes("\0asm\1\0\0\0\x0a"));
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().reason(), Reason::ModuleUnsupported);
}

TEST_F(CompileTest, LoaderRefusesBeforeAWorkerStarts) {
  CompilerOptions options = worker_options();
  options.executable = "/nowhere/worker";
  Compiler compiler(options);
  const Loader loader(*engine_, nullptr, &compiler);
  EXPECT_EQ(loader.load(from_text("(module (memory 1025))")).error().reason(),
            Reason::EngineLimitMemory);
  EXPECT_EQ(loader.load(from_text("(module (func (result i32) i64.const 1))")).error().reason(),
            Reason::ModuleMalformed);
  EXPECT_EQ(loader.load(answer_).error().reason(), Reason::FileUnreadable);
}

TEST_F(CompileTest, TheWallClockEndsABomb) {
  CompilerOptions options = worker_options();
  options.limits.wall = std::chrono::milliseconds(150);
  Compiler compiler(options);
  const Bytes bomb = test::module_of(1, 3'000, test::tangled_code(3'000, 60'000));
  const TimePoint start = SteadyClock::now();
  const auto code = compiler.compile(*engine_, bomb);
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().reason(), Reason::EngineLimitCompile);
  EXPECT_THAT(code.error().message(), HasSubstr("150 ms"));
  EXPECT_LT(SteadyClock::now() - start, std::chrono::seconds(5));
}

TEST_F(CompileTest, TheMemoryLimitEndsABomb) {
#ifdef TRELLIS_SANITIZED
  GTEST_SKIP() << "limits of address space do not fit sanitizers";
#endif
  CompilerOptions options = worker_options();
  options.limits.resident_bytes = 64u << 20;
  options.limits.output_bytes = 8u << 20;
  Compiler compiler(options);
  const Bytes bomb = test::module_of(1, 2'000, test::tangled_code(2'000, 40'000));
  const auto code = compiler.compile(*engine_, bomb);
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().reason(), Reason::EngineLimitCompile);
  EXPECT_THAT(code.error().message(), HasSubstr("memory"));
}

TEST_F(CompileTest, TooMuchCodeIsALimit) {
  CompilerOptions options = worker_options();
  options.limits.output_bytes = 4096;
  Compiler compiler(options);
  const auto code = compiler.compile(*engine_, answer_);
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().reason(), Reason::EngineLimitCompile);
}

TEST_F(CompileTest, AFailureIsRememberedForAWhile) {
  class SetClock final : public Clock {
   public:
    TimePoint now() const noexcept override { return time; }

    std::int64_t wall_nanoseconds() const noexcept override { return 0; }

    TimePoint time{};
  };

  SetClock clock;
  CompilerOptions options = worker_options();
  options.limits.output_bytes = 1;
  Compiler compiler(options, clock);
  ASSERT_FALSE(compiler.compile(*engine_, answer_));
  Duration quickest = Duration::max();
  for (int i = 0; i < 100; ++i) {
    const TimePoint start = SteadyClock::now();
    ASSERT_FALSE(compiler.compile(*engine_, answer_));
    quickest = std::min(quickest, Duration(SteadyClock::now() - start));
  }
  clock.time += options.remember_for;
  const TimePoint again = SteadyClock::now();
  ASSERT_FALSE(compiler.compile(*engine_, answer_));
  EXPECT_LT(quickest, SteadyClock::now() - again) << "the first try after it runs a worker";
}

TEST_F(CompileTest, TheQueueIsBounded) {
  CompilerOptions options = worker_options();
  options.limits.wall = std::chrono::milliseconds(1500);
  options.max_queued = 0;
  Compiler compiler(options);
  const Bytes bomb = test::module_of(1, 3'000, test::tangled_code(3'000, 60'000));
  std::barrier together(4);
  std::atomic<int> ran = 0;
  std::atomic<int> turned_away = 0;
  const auto try_once = [&] {
    together.arrive_and_wait();
    const auto code = compiler.compile(*engine_, bomb);
    if (code || code.error().reason() != Reason::EngineLimitCompile) return;
    (code.error().message().find("wait") != std::string::npos ? turned_away : ran)++;
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(try_once);
  }
  EXPECT_EQ(ran + turned_away, 4);
  EXPECT_GE(ran, 1);
  EXPECT_GE(turned_away, 1);
}

TEST(CompileSandbox, ForbidsEverythingElse) {
  const auto probe = [] {
    if (!enter_compile_sandbox()) ::_exit(1);
    if (::open("/dev/null", O_RDONLY) >= 0 || errno != EPERM) ::_exit(2);
    if (::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) ::_exit(3);
    if (::fork() >= 0) ::_exit(4);
    if (::execl("/bin/true", "true", nullptr) == 0 || errno != EPERM) ::_exit(5);
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, kFlags, -1, 0) != MAP_FAILED) ::_exit(6);
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (page == MAP_FAILED) ::_exit(7);
    if (::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0) ::_exit(8);
    if (::kill(::getppid(), 0) == 0) ::_exit(9);
    ::_exit(42);
  };
  EXPECT_EXIT(probe(), ::testing::ExitedWithCode(42), "");
}

class CodeCacheTest : public CompileTest {
 protected:
  fs::path code_folder() const { return folder_.path() / "code"; }

  fs::path key_file() const { return folder_.path() / "cache.key"; }

  TemporaryFolder folder_;
};

TEST_F(CodeCacheTest, KeepsCodeForTheNextProcess) {
  const CacheKey key = cache_key(*engine_, answer_);
  {
    CodeCache cache(code_folder(), key_file());
    EXPECT_FALSE(cache.load(key));
    const auto module = Loader(*engine_, &cache, nullptr).load(answer_);
    ASSERT_TRUE(module) << module.error().message();
  }
  CodeCache cache(code_folder(), key_file());
  ASSERT_TRUE(cache.load(key));
  // The compiler cannot be asked: only the cache can have answered.
  CompilerOptions options;
  options.executable = "/nowhere/worker";
  Compiler compiler(options);
  const auto module = Loader(*engine_, &cache, &compiler).load(answer_);
  ASSERT_TRUE(module) << module.error().message();
  EXPECT_EQ(result_of(*module), 42);
  EXPECT_EQ(cache.rejected(), 0u);
}

TEST_F(CodeCacheTest, FilesAreForTheirOwnerOnly) {
  CodeCache cache(code_folder(), key_file());
  const CacheKey key = cache_key(*engine_, answer_);
  cache.store(key, as_bytes("code"));
  struct stat status{};
  ASSERT_EQ(::stat(key_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(status.st_size, 32);
  ASSERT_EQ(::stat(cache.path_of(key).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(code_folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(CodeCacheTest, AChangedFileIsNeverLoaded) {
  log::set_level(log::Level::Error);  // thousands of the same warning help nobody
  CodeCache cache(code_folder(), key_file());
  const CacheKey key = cache_key(*engine_, answer_);
  const Bytes code = *Module::precompile(*engine_, answer_);
  cache.store(key, code);
  const std::string path = cache.path_of(key).string();
  const Bytes genuine = *read_file(path, 1 << 30);
  std::mt19937 random(1);
  // Every bit of the front (magic, format, MAC), and a sample of the code's.
  std::vector<std::size_t> bits;
  for (std::size_t bit = 0; bit < 64 * 8; ++bit) bits.push_back(bit);
  for (int i = 0; i < 1'500; ++i) bits.push_back(random() % (genuine.size() * 8));
  std::uint64_t rejected = 0;
  const auto overwrite = [&](ByteView content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(as_text(content).data(), static_cast<std::streamsize>(content.size()));
  };
  for (const std::size_t bit : bits) {
    Bytes changed = genuine;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    overwrite(changed);
    ASSERT_FALSE(cache.load(key)) << "bit " << bit;
    ASSERT_EQ(cache.rejected(), ++rejected);
    ASSERT_FALSE(fs::exists(path));
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{43}, std::size_t{44}, genuine.size() - 1}) {
    overwrite(ByteView(genuine).first(size));
    EXPECT_FALSE(cache.load(key)) << size;
  }
  Bytes longer = genuine;
  longer.push_back(std::byte{0});
  overwrite(longer);
  EXPECT_FALSE(cache.load(key));
  overwrite(genuine);
  EXPECT_EQ(cache.load(key), code);
  log::set_level(log::Level::Info);
}

TEST_F(CodeCacheTest, AGenuineFileUnderAnotherNameIsNotLoaded) {
  CodeCache cache(code_folder(), key_file());
  const CacheKey key = cache_key(*engine_, answer_);
  const CacheKey other = cache_key(*engine_, from_text("(module)"));
  EXPECT_NE(key, other);
  cache.store(key, as_bytes("code"));
  fs::rename(cache.path_of(key), cache.path_of(other));
  EXPECT_FALSE(cache.load(other));
}

TEST_F(CodeCacheTest, AnotherHostsFileIsNotLoaded) {
  const CacheKey key = cache_key(*engine_, answer_);
  CodeCache(code_folder(), folder_.path() / "other.key").store(key, as_bytes("code"));
  CodeCache cache(code_folder(), key_file());
  EXPECT_FALSE(cache.load(key));
  EXPECT_EQ(cache.rejected(), 1u);
}

TEST_F(CodeCacheTest, AKeyThatOthersMayReadIsNotUsed) {
  const CacheKey key = cache_key(*engine_, answer_);
  CodeCache(code_folder(), key_file()).store(key, as_bytes("code"));
  fs::permissions(key_file(), fs::perms::group_read, fs::perm_options::add);
  EXPECT_FALSE(CodeCache(code_folder(), key_file()).load(key));
}

TEST_F(CodeCacheTest, AnUnwritableCacheOnlyCostsCompiling) {
  CodeCache cache("/proc/nowhere", "/proc/nowhere.key");
  const auto module = Loader(*engine_, &cache, nullptr).load(answer_);
  ASSERT_TRUE(module);
  EXPECT_EQ(result_of(*module), 42);
}

TEST_F(CodeCacheTest, TheFolderIsBounded) {
  CodeCache cache(code_folder(), key_file(), 10'000);
  const Bytes code(1'000);
  for (unsigned i = 0; i < 30; ++i) {
    CacheKey key{};
    key[0] = static_cast<std::byte>(i);
    cache.store(key, code);
  }
  std::uint64_t total = 0;
  for (const auto& file : fs::directory_iterator(code_folder())) total += file.file_size();
  EXPECT_LE(total, 10'000u);
  EXPECT_GT(total, 1'000u);
}

TEST_F(CodeCacheTest, TheKeyDependsOnTheProfilesSettings) {
  EngineOptions options;
  options.limits.max_memory_bytes = 32u << 20;
  const auto other = std::move(Engine::create(options)).value();
  EXPECT_NE(cache_key(*engine_, answer_), cache_key(*other, answer_));
  EngineOptions larger;
  larger.instances = 32;
  const auto same = std::move(Engine::create(larger)).value();
  EXPECT_EQ(cache_key(*engine_, answer_), cache_key(*same, answer_)) << "a pool is no setting";
}

}  // namespace
}  // namespace trellis::engine
