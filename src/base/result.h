// Result<T>: the one way a fallible function in this project answers.
//
// It is [[nodiscard]] at the class, so an ignored failure is a compiler error
// (CI builds with -Werror). There is no default constructor: a forgotten
// return can never read as success.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace carrel {

// What the caller may do about a failure. Anything finer belongs in the message.
enum class Errc : std::uint8_t {
  kInvalid,      // the input is wrong; the message says where and how to mend it
  kNotFound,     // something that was named does not exist
  kDenied,       // a policy or the kernel said no
  kUnsupported,  // this machine cannot do it; the message says what would help
  kSystem,       // a system call failed; sys_errno says how
};

struct Error {
  Errc code;
  std::string message;
  int sys_errno = 0;

  // Adds what the caller was trying to do: "policy.toml:3:9: ...".
  [[nodiscard]] Error in(std::string_view doing) && {
    message = std::string(doing) + ": " + message;
    return std::move(*this);
  }
};

struct Unit {};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }

  // Precondition: ok(). Reading the wrong side aborts in every build type.
  const T& value() const& { return get<0>(state_); }
  T&& value() && { return std::move(get<0>(state_)); }
  const Error& error() const& { return get<1>(state_); }
  Error&& error() && { return std::move(get<1>(state_)); }

 private:
  template <std::size_t I, typename V>
  static auto& get(V& state) {
    auto* held = std::get_if<I>(&state);
    if (held == nullptr) std::abort();
    return *held;
  }

  std::variant<T, Error> state_;
};

using Status = Result<Unit>;

// CARREL_TRY(auto pipe, sys::pipe2()) declares pipe, or returns the error. It uses
// `return`, so it does not compile in a coroutine; that needs a co_return twin.
#define CARREL_TRY(decl, expr) CARREL_TRY_(CARREL_NAME_(carrel_try_, __LINE__), decl, expr)
#define CARREL_TRY_(tmp, decl, expr)            \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  decl = std::move(tmp).value()
// CARREL_CHECK(step()) goes on, or returns the error.
#define CARREL_CHECK(expr)                                  \
  do {                                                      \
    if (auto carrel_checked = (expr); !carrel_checked.ok()) \
      return std::move(carrel_checked).error();             \
  } while (false)
#define CARREL_NAME_(a, b) CARREL_NAME2_(a, b)
#define CARREL_NAME2_(a, b) a##b

}  // namespace carrel
