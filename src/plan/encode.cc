#include "plan/encode.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "plan/wire.h"

namespace carrel::plan {
namespace {

constexpr std::size_t kAlignment = 8;

// Appends to one growing block; offsets are from its start.
class Block {
 public:
  Block() { bytes_.resize(sizeof(wire::Header)); }

  wire::Text text(const std::string& text) {
    const wire::Text at{offset(), static_cast<std::uint32_t>(text.size())};
    bytes_.append(text);
    bytes_.push_back('\0');
    return at;
  }

  template <typename T>
  wire::Table<T> table(const std::vector<T>& elements) {
    align();
    const wire::Table<T> at{offset(), static_cast<std::uint32_t>(elements.size())};
    append(elements.data(), elements.size() * sizeof(T));
    return at;
  }

  wire::Table<wire::Text> texts(const std::vector<std::string>& list) {
    std::vector<wire::Text> entries;
    entries.reserve(list.size());
    for (const std::string& entry : list) entries.push_back(text(entry));
    return table(entries);
  }

  wire::Filter filter(const std::vector<sock_filter>& program) {
    align();
    const wire::Filter at{offset(), static_cast<std::uint32_t>(program.size())};
    append(program.data(), program.size() * sizeof(sock_filter));
    return at;
  }

  Result<std::string> finish(wire::Header header) && {
    if (bytes_.size() > std::numeric_limits<std::uint32_t>::max()) {
      return Error{Errc::kInvalid, "the plan is larger than 4 GiB"};
    }
    header.magic = wire::kMagic;
    header.total_size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &header, sizeof header);
    return std::move(bytes_);
  }

 private:
  [[nodiscard]] std::uint32_t offset() const { return static_cast<std::uint32_t>(bytes_.size()); }
  void align() { bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment); }
  void append(const void* data, std::size_t size) {
    if (size != 0) bytes_.append(static_cast<const char*>(data), size);
  }

  std::string bytes_;
};

wire::Table<wire::Source> encode_sources(Block& block, const MountPlan& mounts) {
  std::vector<wire::Source> sources;
  for (const MountSource& source : mounts.sources) {
    sources.push_back({block.text(source.path), source.attributes, source.recursive ? 1u : 0u,
                       source.trusted ? 1u : 0u});
  }
  return block.table(sources);
}

wire::Table<wire::MountStep> encode_steps(Block& block, const MountPlan& mounts) {
  std::vector<wire::MountStep> steps;
  for (const MountStep& step : mounts.steps) {
    wire::MountStep out{};
    out.op = step.op;
    out.optional = step.optional ? 1 : 0;
    out.source = static_cast<std::uint32_t>(step.source.value_or(0));
    out.mode = step.mode;
    out.attributes = step.attributes;
    out.trusted = step.trusted ? 1 : 0;
    out.target = block.text(step.target);
    out.link = block.text(step.link);
    out.contents = block.text(step.contents);
    steps.push_back(out);
  }
  return block.table(steps);
}

wire::Table<wire::Limit> encode_limits(Block& block, const LimitPlan& plan) {
  std::vector<wire::Limit> limits;
  for (const auto& [resource, value] : plan.rlimits) limits.push_back({resource, 0, value});
  return block.table(limits);
}

wire::Table<wire::Filter> encode_filters(Block& block, const std::vector<Filter>& plan) {
  std::vector<wire::Filter> filters;
  for (const Filter& filter : plan) filters.push_back(block.filter(filter.program));
  return block.table(filters);
}

void encode_command(Block& block, const Plan& plan, wire::Header& header) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : plan.environment) environment.push_back(name + "=" + value);
  header.working_dir = block.text(plan.command.working_dir);
  header.candidates = block.texts(plan.command.candidates);
  header.arguments = block.texts(plan.command.arguments);
  header.environment = block.texts(environment);
}

void encode_handles(Block& block, const RunHandles& handles, wire::Header& header) {
  header.carrel_fd = handles.carrel_fd;
  header.room_pid = handles.room_pid;
  header.room_fd = handles.room_fd;
  header.control_fd = handles.control_fd;
  header.proxy_pid = handles.proxy_pid;
  header.proxy_fd = handles.proxy_fd;
  header.cgroup_folders = block.texts(handles.cgroup_folders);
  header.context = block.text(handles.context);
  header.always_finish = handles.always_finish ? 1 : 0;
  header.record_denials = handles.record_denials ? 1 : 0;
  header.started_at = handles.started_at;
  header.begun_at = handles.begun_at;
  header.planned_at = handles.planned_at;
}

}  // namespace

Result<std::string> encode(const Plan& plan, const RunHandles& handles) {
  if (plan.mounts.sources.size() > wire::kMaxSources || plan.kept_fds.size() > wire::kMaxKeptFds ||
      plan.filters.size() > wire::kMaxFilters || plan.listeners.size() > wire::kMaxListeners) {
    return Error{Errc::kInvalid,
                 "the plan has more folders, descriptors, filters or listeners than fit"};
  }
  for (const MountStep& step : plan.mounts.steps) {
    if (step.contents.size() <= wire::kMaxFileBytes) continue;
    return Error{Errc::kInvalid, "what " + step.target + " is to hold is longer than fits"};
  }
  Block block;
  wire::Header header{};
  header.uid = plan.identity.uid;
  header.gid = plan.identity.gid;
  header.map_all = plan.identity.map_all ? 1 : 0;
  header.drop_groups = plan.identity.drop_groups ? 1 : 0;
  header.sources = encode_sources(block, plan.mounts);
  header.mounts = encode_steps(block, plan.mounts);
  header.private_bytes = plan.mounts.private_bytes;
  header.listeners = block.table(plan.listeners);
  header.limits = encode_limits(block, plan.limits);
  header.filters = encode_filters(block, plan.filters);
  header.kept_fds =
      block.table(std::vector<std::int32_t>(plan.kept_fds.begin(), plan.kept_fds.end()));
  header.hostname = block.text(plan.hostname);
  header.wall_time_ms =
      static_cast<std::uint64_t>(plan.wall_time.value_or(std::chrono::milliseconds(0)).count());
  encode_command(block, plan, header);
  encode_handles(block, handles, header);
  return std::move(block).finish(header);
}

}  // namespace carrel::plan
