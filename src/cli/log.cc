#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <string>

#include "base/path.h"
#include "base/unique_fd.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "egress/log_chain.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

// The lines of a file, as far as they are whole.
class LineReader {
 public:
  explicit LineReader(const UniqueFd& file) : file_(file) {}

  // False where there is none yet; what there is of it is in rest().
  Result<bool> next(std::string& line) {
    for (;;) {
      if (const std::size_t end = buffer_.find('\n', at_); end != std::string::npos) {
        line = buffer_.substr(at_, end - at_);
        at_ = end + 1;
        return true;
      }
      buffer_.erase(0, at_);
      at_ = 0;
      std::array<char, 64 << 10> bytes;
      const ssize_t size =
          sys::retry([&] { return ::read(file_.get(), bytes.data(), bytes.size()); });
      if (size == -1) return sys::failed("read", "the log");
      if (size == 0) return false;
      buffer_.append(bytes.data(), static_cast<std::size_t>(size));
      if (buffer_.size() > 2 * egress::kMaxLogLine + bytes.size()) {
        return Error{Errc::kInvalid,
                     "a line is longer than any that carrel writes; is this a log?"};
      }
    }
  }
  [[nodiscard]] const std::string& rest() const { return buffer_; }

 private:
  const UniqueFd& file_;
  std::string buffer_;
  std::size_t at_ = 0;
};

std::string text_of(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains(key);
  if (value == nullptr) return "";
  if (value->is_string()) return std::string(value->get_string());
  return json::serialize(*value);
}

// "12:00:00 denied  connect example.com:443 - no rule of the policy allows it"
std::string row(const json::object& line) {
  const auto text = [&](std::string_view key) { return text_of(line, key); };
  const std::string time = text("time");
  std::string out = time.substr(0, time.find('.')) + " " + padded(text("verdict"), 7) + " " +
                    padded(text("protocol"), 7) + " " + text("host");
  if (text("port") != "0") out += ":" + text("port");  // of a name that was asked for
  if (!text("method").empty()) out += " " + text("method") + " " + text("path");
  if (!text("status").empty()) out += " " + text("status");
  if (text("verdict") == "denied") return out + " - " + text("reason");
  if (!text("address").empty()) out += " at " + text("address");
  if (!text("failure").empty()) return out + " - " + text("failure");
  return out + ", " + text("bytes_out") + " B out, " + text("bytes_in") + " B in, " +
         text("duration_ms") + " ms, by " + text("rule");
}

bool is_denied(const json::object& line) { return text_of(line, "verdict") == "denied"; }

// What the file holds may be anybody's: only what is printable gets out.
std::string shown(const std::string& line, const Arguments& arguments) {
  boost::system::error_code failure;
  const json::value value = json::parse(line, failure);
  const json::object* const object = failure ? nullptr : value.if_object();
  if (object == nullptr) return "? " + printable(line) + "\n";
  if (arguments.has(Opt::kDenied) && !is_denied(*object)) return "";
  return printable(arguments.has(Opt::kJson) ? line : row(*object)) + "\n";
}

Status show_what_is_there(LineReader& reader, const Arguments& arguments) {
  std::string line;
  for (;;) {
    CARREL_TRY(const bool more, reader.next(line));
    if (!more) return Unit{};
    const std::string text = shown(line, arguments);
    if (!text.empty()) CARREL_CHECK(print(text));
  }
}

// Until the file is moved away or deleted.
Status follow(const std::string& path, LineReader& reader, const Arguments& arguments) {
  const UniqueFd changes(::inotify_init1(IN_CLOEXEC));
  constexpr std::uint32_t kEvents = IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB;
  if (!changes.valid() || ::inotify_add_watch(changes.get(), path.c_str(), kEvents) == -1) {
    return sys::failed("inotify_add_watch", path);
  }
  for (;;) {
    CARREL_CHECK(show_what_is_there(reader, arguments));
    struct stat there{};
    if (::stat(path.c_str(), &there) != 0) return Unit{};
    alignas(inotify_event) std::array<char, 4096> events;
    if (sys::retry([&] { return ::read(changes.get(), events.data(), events.size()); }) == -1) {
      return sys::failed("read", "inotify");
    }
  }
}

Status verify(const std::string& path, LineReader& reader) {
  egress::ChainVerifier verifier;
  std::string line;
  for (bool more = true; more;) {
    CARREL_TRY(more, reader.next(line));
    if (!more && !reader.rest().empty()) line = reader.rest();
    if (!more && reader.rest().empty()) break;
    Status follows = verifier.take(line);
    if (!follows.ok()) return std::move(follows).error().in(shell_quoted(path));
  }
  if (verifier.lines() == 0) return print("The log is empty.\n");
  return print(std::to_string(verifier.lines()) +
               " lines, each following from the one before; the last chain is\n" +
               verifier.chain() + "\n");
}

Result<UniqueFd> open_to_read(const std::string& path) {
  Result<UniqueFd> file = sys::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (file.ok()) return file;
  return Error{file.error().code,
               "log " + shell_quoted(path) + ": " + sys::errno_text(file.error().sys_errno) +
                   "; name the file of `carrel run --log FILE`",
               file.error().sys_errno};
}

}  // namespace

Status log(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.operands;
  const bool to_verify = words.size() == 2 && words.front() == "verify";
  if (words.empty() || (words.size() == 2 && !to_verify)) {
    return Error{Errc::kInvalid,
                 "log: name one file, as in `carrel log FILE` or `carrel log verify FILE`"};
  }
  const std::string& path = words.back();
  CARREL_TRY(const UniqueFd file, open_to_read(path));
  LineReader reader(file);
  if (to_verify) return verify(path, reader);
  if (arguments.has(Opt::kFollow)) return follow(path, reader, arguments);
  return show_what_is_there(reader, arguments);
}

}  // namespace carrel::cli
