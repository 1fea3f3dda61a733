// TOML through toml++. Its exceptions end here.
#include <algorithm>

#include "base/path.h"
#include "policy/document.h"
#include "policy/tomlplusplus.h"

namespace carrel::policy {
namespace {

Position position(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

Table convert(const toml::table& table);

// toml++ refuses more than 256 levels, which bounds the recursion.
Value convert(const toml::node& node) {
  Value value{position(node.source()), Null{}};
  if (const auto* table = node.as_table()) {
    value.data = convert(*table);
  } else if (const auto* array = node.as_array()) {
    Array elements;
    for (const toml::node& element : *array) elements.push_back(convert(element));
    value.data = std::move(elements);
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.data = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.data = boolean->get();
  } else {
    value.data = DateOrTime{};
  }
  return value;
}

Table convert(const toml::table& table) {
  Table members;
  for (const auto& [key, node] : table) {
    members.push_back({std::string(key.str()), position(key.source()), convert(node)});
  }
  // toml++ sorts by name; readers report the first fault of the file.
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.at < b.at; });
  return members;
}

}  // namespace

Result<Table> parse_toml(std::string_view text, std::string_view source) {
  constexpr std::string_view kManual = "; see https://toml.io/en/v1.0.0";
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return Source(source).error(position(error.source()),
                                printable(error.description()) + std::string(kManual));
  } catch (const std::logic_error& error) {
    return Source(source).error(
        {}, "somewhere in the file: " + std::string(error.what()) + std::string(kManual));
  }
}

}  // namespace carrel::policy
