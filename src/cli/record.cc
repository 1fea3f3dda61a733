#include "cli/record.h"

#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <ctime>
#include <utility>

#include "cli/json.h"
#include "cli/options.h"
#include "sys/error.h"
#include "sys/files.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

constexpr int kRecordVersion = 1;
constexpr std::uint64_t kNsPerUs = 1000;

json::array strings(const auto& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(json::string(text));
  return out;
}

json::object head_object(const std::vector<std::string>& command, std::string_view started_at) {
  return {{"version", kRecordVersion},
          {"carrel", json::string(kVersion)},
          {"command", strings(command)},
          {"started_at", json::string(started_at)}};
}

json::object policy_summary(const Prepared& prepared) {
  const policy::Policy& policy = prepared.plan.policy;
  json::array allow;
  for (const policy::HostRule& rule : policy.network.allow) allow.emplace_back(rule.text());
  json::object limits;
  for (const plan::PlannedLimit& limit : prepared.plan.limits.limits) {
    limits[limit.name] = limit.value;
  }
  return {{"source", prepared.policy_source},
          {"write", strings(policy.files.write)},
          {"scratch", strings(policy.files.scratch)},
          {"allow", std::move(allow)},
          {"limits", std::move(limits)}};
}

struct OutcomeToJson {
  json::object operator()(const jail::Exited& exited) const {
    return {{"kind", "exited"}, {"status", exited.status}};
  }
  json::object operator()(const jail::Signaled& signaled) const {
    return {{"kind", "signaled"}, {"signal", signaled.signal}};
  }
  json::object operator()(const jail::TimedOut&) const { return {{"kind", "timed_out"}}; }
  json::object operator()(const jail::LimitHit& hit) const {
    return {{"kind", "limit_hit"}, {"limit", hit.limit}, {"status", hit.status}};
  }
  json::object operator()(const jail::SetupFailed& failed) const {
    return {{"kind", "setup_failed"}, {"subject", failed.subject}, {"errno", failed.sys_errno}};
  }
  json::object operator()(const jail::NotExecuted& failed) const {
    return {{"kind", "not_executed"}, {"subject", failed.command}, {"errno", failed.sys_errno}};
  }
};

// How long each phase took, one after the other. One that was not reached is left out.
json::object phases_us(const jail::Finished& finished, std::uint64_t ended_at) {
  const wire::Phases& at = finished.phases;
  const std::array<std::pair<const char*, std::uint64_t>, 6> ends = {{
      {"plan", finished.planned_at},
      {"mounts", at.mounts},
      {"seal", at.sealed},
      {"command", at.ended},
      {"teardown", at.gone},
      {"report", ended_at},
  }};
  json::object out;
  std::uint64_t before = finished.started_at;
  for (const auto& [name, end] : ends) {
    if (end == 0 || end < before) continue;
    out[name] = (end - before) / kNsPerUs;
    before = end;
  }
  return out;
}

// What went on meanwhile: the namespaces beside the plan, the launcher beside the mounts.
json::object beside_us(const jail::Finished& finished) {
  json::object out;
  const auto add = [&](const char* name, std::uint64_t start, std::uint64_t end) {
    if (end >= start && end != 0) out[name] = (end - start) / kNsPerUs;
  };
  add("namespaces", finished.begun_at, finished.phases.namespaces);
  add("launcher", finished.planned_at, finished.phases.launcher);
  return out;
}

json::object usage(const jail::Usage& usage) {
  return {{"user_us", usage.user_us},
          {"system_us", usage.system_us},
          {"peak_memory_bytes", usage.peak_memory_bytes},
          {"peak_memory_of", usage.peak_memory_of}};
}

json::array limits_reached(const std::vector<jail::LimitEvent>& events) {
  json::array out;
  for (const jail::LimitEvent& event : events) {
    out.push_back(
        json::object{{"limit", event.limit}, {"count", event.count}, {"evidence", event.evidence}});
  }
  return out;
}

json::object parse_head(const std::string& head) {
  json::error_code failure;
  json::value value = json::parse(head, failure);
  return value.is_object() ? std::move(value.as_object()) : json::object{};
}

json::array denials(const std::vector<jail::Denial>& denials) {
  json::array out;
  for (const jail::Denial& denial : denials) {
    out.push_back(json::object{{"kind", "system-call"},
                               {"call", denial.call},
                               {"program", denial.program},
                               {"count", denial.count},
                               {"reason", denial.reason}});
  }
  return out;
}

}  // namespace

std::string to_text(const FinishContext& context) {
  if (context.words == Words::kAll && context.record_fd < 0) return "";
  json::object out{{"quiet", context.words == Words::kFailuresOnly}};
  if (context.record_fd >= 0) {
    out["record_fd"] = context.record_fd;
    out["record_head"] = context.record_head;
  }
  return json::serialize(out);
}

Result<FinishContext> parse_finish_context(const std::string& text) {
  FinishContext context;
  if (text.empty()) return context;
  json::error_code failure;
  const json::value value = json::parse(text, failure);
  const auto* object = value.if_object();
  if (object == nullptr) return Error{Errc::kInvalid, "the context of the run cannot be read"};
  if (const auto* quiet = object->if_contains("quiet"); quiet != nullptr && quiet->is_bool()) {
    context.words = quiet->get_bool() ? Words::kFailuresOnly : Words::kAll;
  }
  if (const auto* fd = object->if_contains("record_fd"); fd != nullptr && fd->is_int64()) {
    context.record_fd = static_cast<int>(fd->get_int64());
  }
  if (const auto* head = object->if_contains("record_head"); head != nullptr && head->is_string()) {
    context.record_head = std::string(head->get_string());
  }
  return context;
}

std::string timestamp() {
  constexpr long kNsPerMs = 1'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string thousandths = std::to_string(1000 + now.tv_nsec / kNsPerMs).substr(1);
  return std::string(text.data(), size) + "." + thousandths + "Z";
}

std::string record_head(const Prepared& prepared, std::string_view started_at) {
  json::object head = head_object(prepared.plan.command.arguments, started_at);
  head["working_dir"] = prepared.plan.command.working_dir;
  head["policy"] = policy_summary(prepared);
  // Not serialize(): arguments and paths may hold bytes that no JSON parser takes.
  return json_text(head);
}

std::string record_text(const std::string& head, const jail::Finished& finished,
                        std::uint64_t ended_at) {
  json::object record = parse_head(head);
  json::object outcome = std::visit(OutcomeToJson{}, finished.outcome);
  const std::string message = jail::describe(finished.outcome);
  if (!message.empty()) outcome["message"] = message;
  record["outcome"] = std::move(outcome);
  record["exit_status"] = jail::exit_status(finished.outcome);
  record["phases_us"] = phases_us(finished, ended_at);
  record["beside_us"] = beside_us(finished);
  record["total_us"] = (ended_at - finished.started_at) / kNsPerUs;
  record["usage"] = usage(finished.usage);
  record["limits_reached"] = limits_reached(finished.limits_reached);
  record["denials"] = denials(finished.denials);
  if (finished.denials_lost) record["denials_incomplete"] = true;
  return json_text(record);
}

std::string refused_record_text(const std::vector<std::string>& command,
                                std::string_view started_at, std::string_view message) {
  constexpr int kOwnFailure = 125;
  json::object record = head_object(command, started_at);
  record["outcome"] = json::object{{"kind", "refused"}, {"message", json::string(message)}};
  record["exit_status"] = kOwnFailure;
  return json_text(record);
}

Status write_record(int fd, std::string_view text) {
  if (::ftruncate(fd, 0) != 0) return sys::failed("ftruncate", "the record");
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = sys::retry([&] {
      return ::pwrite(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    });
    if (written < 0) return sys::failed("pwrite", "the record");
    done += static_cast<std::size_t>(written);
  }
  return Unit{};
}

}  // namespace carrel::cli
