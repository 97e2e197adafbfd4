// The one asynchronous style: coroutines of Asio that belong to one core.
//
// Rules (STYLE.md has them in full): name a value, then await it; no capturing lambda in a
// co_await expression and no lambda coroutine that captures; a parameter that is a reference must
// outlive the task by construction.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace trellis::async {

using Executor = boost::asio::io_context::executor_type;

/// A lazily started coroutine; runs on the core that awaits it.
template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::use_awaitable_t<Executor> kAwait{};

}  // namespace trellis::async
