#include "json.h"

#include <boost/json/src.hpp>  // header-only: this is the one place that compiles it
#include <cstdlib>

namespace carrel::tests {

namespace json = boost::json;

json::value parse_json(const std::string& text) {
  json::error_code failure;
  json::value value = json::parse(text, failure);
  return failure ? json::value() : value;
}

json::value at(const json::value& value, std::string_view path) {
  if (path.empty()) return value;
  const std::string_view key = path.substr(0, path.find('.'));
  path.remove_prefix(std::min(key.size() + 1, path.size()));
  if (const json::object* object = value.if_object()) {
    const json::value* member = object->if_contains(key);
    return member == nullptr ? json::value() : at(*member, path);
  }
  if (const json::array* array = value.if_array()) {
    const auto index = static_cast<std::size_t>(std::atoi(std::string(key).c_str()));
    return index < array->size() ? at((*array)[index], path) : json::value();
  }
  return {};
}

std::string text_at(const json::value& value, std::string_view path) {
  const json::value found = at(value, path);
  return found.is_string() ? std::string(found.as_string()) : "";
}

std::int64_t number_at(const json::value& value, std::string_view path) {
  const json::value found = at(value, path);
  return found.is_number() ? found.to_number<std::int64_t>() : -1;
}

}  // namespace carrel::tests
