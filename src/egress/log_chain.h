// A log in which changes show. Each line is one JSON object whose last member
// "chain" is the SHA-256, in hex, of the chain of the line before (nothing for the
// first) followed by the object without that member. A line that was changed,
// removed or put in breaks the chain at its place; lines cut off at the end show
// only to those who have kept the last chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace carrel::egress {

// Of any line, with its end.
inline constexpr std::size_t kMaxLogLine = 32 << 10;

struct ChainedLine {
  std::string text;  // the object without its chain
  std::string chain;
};

[[nodiscard]] std::string chain_after(std::string_view previous, std::string_view text);
// {"a":1} -> {"a":1,"chain":"..."}, and back; nullopt for a line that has none.
[[nodiscard]] std::string join_chain(const ChainedLine& line);
[[nodiscard]] std::optional<ChainedLine> split_chain(std::string_view line);

class ChainVerifier {
 public:
  // The next line, without its end. kInvalid if it does not follow: says which it is and why.
  [[nodiscard]] Status take(std::string_view line);
  [[nodiscard]] std::size_t lines() const { return lines_; }
  [[nodiscard]] const std::string& chain() const { return chain_; }  // of the last line

 private:
  std::size_t lines_ = 0;
  std::string chain_;
};

// A file that several processes append to.
class LogFile {
 public:
  // Open for reading and appending; invalid: nothing is written.
  explicit LogFile(UniqueFd file) : file_(std::move(file)) {}

  [[nodiscard]] bool valid() const { return file_.valid(); }
  // Adds `text`, an object, as a line of its own; false if that cannot be done.
  [[nodiscard]] bool append(std::string text);

 private:
  bool append_locked(std::string text);
  bool catch_up();

  UniqueFd file_;
  std::string chain_;         // of the last line of the first `size_` bytes
  std::int64_t size_ = 0;     // that are known
  bool ends_in_line_ = true;  // else somebody's write broke off
};

}  // namespace carrel::egress
