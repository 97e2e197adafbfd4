// WASI preview 1 as waPC guests use it, through a reactor of wasi-libc and libc++ with std::string.
// Each operation answers in decimal text; errno is WASI's number.

#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>
#include <wasi/api.h>

#include "trellis/guest/actor.h"

namespace guest = trellis::guest;

namespace {

// Outlives the call that the handler returns to.
std::string answer;

guest::Reply reply(std::string text) {
  answer = std::move(text);
  return guest::Bytes(answer);
}

uint64_t number(guest::Bytes text) {
  uint64_t value = 0;
  for (uint8_t digit : text) {
    value = value * 10 + (digit - '0');
  }
  return value;
}

// stdout, stderr: the payload in two pieces; errno and the count of bytes.
guest::Reply write_to(__wasi_fd_t fd, guest::Bytes payload) {
  size_t half = payload.size / 2;
  __wasi_ciovec_t pieces[] = {{payload.data, half}, {payload.data + half, payload.size - half}};
  __wasi_size_t written = 0;
  __wasi_errno_t error = __wasi_fd_write(fd, pieces, 2, &written);
  return reply(std::to_string(error) + " " + std::to_string(written));
}

guest::Reply to_stdout(guest::Bytes payload) {
  return write_to(1, payload);
}

guest::Reply to_stderr(guest::Bytes payload) {
  return write_to(2, payload);
}

guest::Reply to_fd3(guest::Bytes payload) {
  return write_to(3, payload);
}

// clock: seconds since 1970, and whether the monotonic clock stands still or goes forward.
guest::Reply clock_now(guest::Bytes) {
  timespec wall{};
  timespec first{};
  timespec second{};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &first);
  clock_gettime(CLOCK_MONOTONIC, &second);
  bool forward = second.tv_sec > first.tv_sec ||
                 (second.tv_sec == first.tv_sec && second.tv_nsec >= first.tv_nsec);
  return reply(std::to_string(wall.tv_sec) + (forward ? " forward" : " backward"));
}

// random: as many bytes as the payload says.
guest::Reply random_bytes(guest::Bytes payload) {
  answer.assign(static_cast<size_t>(number(payload)), '\0');
  __wasi_errno_t error =
      __wasi_random_get(reinterpret_cast<uint8_t*>(answer.data()), answer.size());
  if (error != 0) {
    return guest::Error{"random_get failed"};
  }
  return guest::Bytes(answer);
}

// sleep: milliseconds by poll_oneoff; errno, events and the slept milliseconds.
guest::Reply sleep_ms(guest::Bytes payload) {
  timespec before{};
  timespec after{};
  clock_gettime(CLOCK_MONOTONIC, &before);
  __wasi_subscription_t wish{};
  wish.userdata = 7;
  wish.u.tag = __WASI_EVENTTYPE_CLOCK;
  wish.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  wish.u.u.clock.timeout = number(payload) * 1000000;
  __wasi_event_t event{};
  __wasi_size_t events = 0;
  __wasi_errno_t error = __wasi_poll_oneoff(&wish, &event, 1, &events);
  clock_gettime(CLOCK_MONOTONIC, &after);
  int64_t slept =
      (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  return reply(std::to_string(error) + " " + std::to_string(events) + " " +
               std::to_string(event.userdata) + " " + std::to_string(slept));
}

// sizes: counts and bytes of the arguments and of the environment.
guest::Reply sizes(guest::Bytes) {
  __wasi_size_t numbers[4] = {9, 9, 9, 9};
  __wasi_errno_t first = __wasi_args_sizes_get(&numbers[0], &numbers[1]);
  __wasi_errno_t second = __wasi_environ_sizes_get(&numbers[2], &numbers[3]);
  std::string text = std::to_string(first) + " " + std::to_string(second);
  for (__wasi_size_t n : numbers) {
    text += " " + std::to_string(n);
  }
  return reply(text);
}

// files: errno of fd_prestat_get(3), fd_fdstat_get of 0 to 3, fd_read(0), fd_close(3), fd_seek(1).
guest::Reply files(guest::Bytes) {
  __wasi_prestat_t prestat{};
  std::string text = std::to_string(__wasi_fd_prestat_get(3, &prestat));
  for (__wasi_fd_t fd = 0; fd < 4; ++fd) {
    __wasi_fdstat_t stat{};
    text += " " + std::to_string(__wasi_fd_fdstat_get(fd, &stat));
  }
  uint8_t octet = 0;
  __wasi_iovec_t room{&octet, 1};
  __wasi_size_t count = 0;
  __wasi_filesize_t offset = 0;
  text += " " + std::to_string(__wasi_fd_read(3, &room, 1, &count));
  text += " " + std::to_string(__wasi_fd_close(3));
  text += " " + std::to_string(__wasi_fd_seek(3, 0, __WASI_WHENCE_SET, &offset));
  return reply(text);
}

// enosys: errno of functions that no waPC guest needs.
guest::Reply enosys(guest::Bytes) {
  __wasi_fd_t fd = 0;
  __wasi_errno_t opened = __wasi_path_open(3, 0, "x", 0, 0, 0, 0, &fd);
  __wasi_errno_t made = __wasi_path_create_directory(3, "x");
  __wasi_errno_t raised = __wasi_sock_shutdown(3, 0);
  return reply(std::to_string(opened) + " " + std::to_string(made) + " " + std::to_string(raised));
}

// strings: libc++ on the heap; the payload reversed, 1,000 times over.
guest::Reply strings(guest::Bytes payload) {
  std::vector<std::string> parts;
  for (int i = 0; i < 1000; ++i) {
    parts.emplace_back(reinterpret_cast<const char*>(payload.data), payload.size);
  }
  std::string joined;
  for (const std::string& part : parts) {
    joined.append(part.rbegin(), part.rend());
  }
  return reply(joined);
}

guest::Reply leave(guest::Bytes payload) {
  __wasi_proc_exit(static_cast<__wasi_exitcode_t>(number(payload)));
}

}  // namespace

TRELLIS_ACTOR(guest::on("stdout", to_stdout), guest::on("stderr", to_stderr),
              guest::on("fd3", to_fd3), guest::on("clock", clock_now),
              guest::on("random", random_bytes), guest::on("sleep", sleep_ms),
              guest::on("sizes", sizes), guest::on("files", files), guest::on("enosys", enosys),
              guest::on("strings", strings), guest::on("exit", leave))
