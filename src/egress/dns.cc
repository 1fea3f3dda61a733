#include "egress/dns.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "policy/inside.h"

namespace carrel::egress {
namespace {

using policy::HostName;
using policy::IpAddress;

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxName = 255;
constexpr std::uint16_t kUdpPayload = 1232;
constexpr std::uint32_t kTtlSeconds = 30;

constexpr std::uint16_t kInternet = 1;
enum Type : std::uint16_t {
  kA = 1,
  kPtr = 12,
  kOpt = 41,
  kFirstMeta = 249,  // TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY
  kLastMeta = 255,
};
enum Code : std::uint16_t {
  kNoError = 0,
  kFormatError = 1,
  kServerFailure = 2,
  kNoSuchName = 3,
  kNotImplemented = 4,
  kRefused = 5,
  kBadVersion = 16,  // the upper bits stand in the OPT record
};
constexpr std::uint16_t kResponse = 0x8000;
constexpr std::uint16_t kOpcode = 0x7800;
constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kRecursionAvailable = 0x0080;
constexpr std::uint16_t kCheckingDisabled = 0x0010;

// Takes from the front; what was missing is remembered.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint16_t number() {
    const std::string_view two = bytes(2);
    if (two.empty()) return 0;
    return static_cast<std::uint16_t>(static_cast<unsigned char>(two[0]) << 8 |
                                      static_cast<unsigned char>(two[1]));
  }
  std::string_view bytes(std::size_t count) {
    if (rest_.size() < count) failed_ = true;
    if (failed_) return {};
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  // The labels of a name, which in a question is never compressed.
  std::vector<std::string_view> labels() {
    std::vector<std::string_view> labels;
    for (std::size_t size = 1; !failed_;) {
      const std::string_view length = bytes(1);
      if (failed_) break;
      const auto count = static_cast<unsigned char>(length[0]);
      if (count == 0) return labels;
      size += count + 1u;
      if (count > 63 || size > kMaxName) failed_ = true;
      labels.push_back(bytes(count));
    }
    return {};
  }

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

void put_number(std::string& out, std::size_t value, unsigned width) {
  while (width-- > 0) out += static_cast<char>(value >> (8 * width) & 0xFF);
}

struct Question {
  std::string_view bytes;  // as they were asked
  std::vector<std::string_view> labels;
  std::uint16_t type = 0;
  std::uint16_t of_class = 0;
};

struct Extension {
  bool present = false;
  std::uint8_t version = 0;
};

// "" if a label holds what no host name does, a dot above all.
std::string dotted(const std::vector<std::string_view>& labels) {
  std::string text;
  for (const std::string_view label : labels) {
    if (label.find('.') != std::string_view::npos) return "";
    text += (text.empty() ? "" : ".") + std::string(label);
  }
  return text;
}

// "7.1.18.198.in-addr.arpa" is asked for 198.18.1.7.
std::optional<IpAddress> reversed_address(const HostName& name) {
  static const HostName kReverse = HostName::parse("in-addr.arpa").value();
  if (!name.is_below(kReverse)) return std::nullopt;
  std::string text;
  std::string_view rest = name.text();
  rest.remove_suffix(kReverse.text().size() + 1);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = rest.rfind('.');
    const std::string_view part = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
    const bool decimal = !part.empty() && part.size() <= 3 &&
                         (part.size() == 1 || part[0] != '0') &&
                         part.find_first_not_of("0123456789") == std::string_view::npos;
    if (!decimal || (dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    text += (i == 0 ? "" : ".") + std::string(part);
    rest = rest.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  const Result<IpAddress> address = IpAddress::parse(text);
  if (!address.ok()) return std::nullopt;
  return address.value();
}

std::string name_bytes(const HostName& name) {
  std::string out;
  std::string_view rest = name.text();
  while (!rest.empty()) {
    const std::size_t size = std::min(rest.find('.'), rest.size());
    out += static_cast<char>(size);
    out += rest.substr(0, size);
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return out + '\0';
}

struct Found {
  Code code = kNoError;
  std::string data;  // of the one record of the type that was asked for; "": there is none
};

// Messages that answer one query.
class Responder {
 public:
  Responder(std::uint16_t id, std::uint16_t flags) : id_(id), flags_(flags) {}

  [[nodiscard]] std::string failure(Code code) const { return whole(code, nullptr, {}, {}); }

  [[nodiscard]] std::string whole(Code code, const Question* question, const std::string& data,
                                  const Extension& extension) const {
    std::string out;
    put_number(out, id_, 2);
    put_number(out,
               kResponse | kRecursionAvailable | (code & 0xFu) |
                   (flags_ & (kOpcode | kRecursionDesired | kCheckingDisabled)),
               2);
    put_number(out, question != nullptr ? 1 : 0, 2);
    put_number(out, data.empty() ? 0 : 1, 2);
    put_number(out, 0, 2);
    put_number(out, extension.present ? 1 : 0, 2);
    if (question != nullptr) out += question->bytes;
    if (!data.empty()) {
      put_number(out, 0xC000 | kHeader, 2);  // the name is the question's
      put_number(out, question->type, 2);
      put_number(out, kInternet, 2);
      put_number(out, kTtlSeconds, 4);
      put_number(out, data.size(), 2);
      out += data;
    }
    if (extension.present) {
      put_number(out, 0, 1);
      put_number(out, kOpt, 2);
      put_number(out, kUdpPayload, 2);
      put_number(out, code >> 4, 1);
      put_number(out, 0, 1 + 2 + 2);  // version, flags, no options
    }
    return out;
  }

 private:
  std::uint16_t id_;
  std::uint16_t flags_;
};

Found look_up(const Question& question, const HostName& name, const policy::NetworkPolicy& policy,
              NameTable& names) {
  if (const auto address = reversed_address(name)) {
    const HostName* stands_for = names.name_of(*address);
    if (stands_for == nullptr) return {kNoSuchName, {}};
    return {kNoError, question.type == kPtr ? name_bytes(*stands_for) : ""};
  }
  if (!policy::is_known_inside(policy, name)) return {kNoSuchName, {}};
  if (question.type != kA) return {};
  const std::optional<IpAddress> address = names.address_of(name);
  if (!address) return {kServerFailure, {}};
  return {kNoError, std::string(address->bytes().begin(), address->bytes().begin() + 4)};
}

// Records behind the question: only OPT may be among them.
bool read_additional(Reader& reader, std::uint16_t count, Extension& extension) {
  for (std::uint16_t i = 0; i < count; ++i) {
    const auto labels = reader.labels();
    const std::uint16_t type = reader.number();
    reader.number();  // class: the payload that the client takes; answers are shorter than any
    const std::string_view ttl = reader.bytes(4);
    reader.bytes(reader.number());
    if (reader.failed()) return false;
    if (type != kOpt) continue;  // a signature that nobody checks
    if (extension.present || !labels.empty()) return false;
    extension = {true, static_cast<std::uint8_t>(ttl[1])};
  }
  return reader.empty();
}

}  // namespace

DnsAnswer answer_dns(std::string_view query, const policy::NetworkPolicy& policy,
                     NameTable& names) {
  if (query.size() < kHeader || query.size() > kMaxDnsMessage) return {};
  Reader reader(query);
  const std::uint16_t id = reader.number();
  const std::uint16_t flags = reader.number();
  if ((flags & kResponse) != 0) return {};  // two servers could talk for ever
  const Responder respond(id, flags);
  if ((flags & kOpcode) != 0) return {respond.failure(kNotImplemented), {}};
  const std::uint16_t questions = reader.number();
  const std::uint16_t answers = reader.number();
  const std::uint16_t authorities = reader.number();
  const std::uint16_t additional = reader.number();
  if (questions != 1 || answers != 0 || authorities != 0) {
    return {respond.failure(kFormatError), {}};
  }
  Question question;
  question.labels = reader.labels();
  question.type = reader.number();
  question.of_class = reader.number();
  if (reader.failed()) return {respond.failure(kFormatError), {}};
  question.bytes = query.substr(kHeader, query.size() - kHeader - reader.left());
  Extension extension;
  if (!read_additional(reader, additional, extension)) return {respond.failure(kFormatError), {}};

  const auto say = [&](Code code, const std::string& data = {}) {
    return respond.whole(code, &question, data, extension);
  };
  if (extension.version != 0) return {say(kBadVersion), {}};
  const bool meta =
      question.type == kOpt || (question.type >= kFirstMeta && question.type <= kLastMeta);
  if (question.of_class != kInternet || meta) return {say(kRefused), {}};
  const Result<HostName> name = HostName::parse(dotted(question.labels));
  if (!name.ok()) return {say(kNoSuchName), {}};
  const Found found = look_up(question, name.value(), policy, names);
  DnsAnswer answer{say(found.code, found.data), {}};
  static const HostName kAddresses = HostName::parse("arpa").value();
  if (found.code == kNoSuchName && !name.value().is_below(kAddresses)) {
    answer.unknown = name.value();
  }
  return answer;
}

}  // namespace carrel::egress
