#include "trellis/async/cores.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace trellis::async {
namespace {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(-1);
  return cpus;
}

void pin_to(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  // Without the pin a core is merely less warm: not worth failing for.
  static_cast<void>(::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set));
}

}  // namespace

Cores::Cores(unsigned limit) {
  const std::size_t available = allowed_cpus().size();
  const std::size_t count = limit == 0 ? available : std::min<std::size_t>(limit, available);
  for (std::size_t i = 0; i < count; ++i) {
    cores_.push_back(std::make_unique<Core>(static_cast<unsigned>(i)));
  }
}

Cores::~Cores() {
  stop();
}

void Cores::start(const std::function<void(Core&)>& prepare) {
  const std::vector<int> cpus = allowed_cpus();
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    Core& core = *cores_[i];
    const int cpu = cpus[i % cpus.size()];
    threads_.emplace_back([&core, cpu, prepare] {
      pin_to(cpu);
      if (prepare) prepare(core);
      core.run();
    });
  }
}

void Cores::stop() {
  for (const auto& core : cores_) core->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace trellis::async
