#include "cli/man.h"

#include <algorithm>
#include <cctype>

namespace carrel::cli {
namespace {

constexpr std::string_view kDate = "2026-11-24";

// Text in bold or italics, every '-' one that can be copied.
std::string verbatim(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '^')
      out += "\\(ha";
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + verbatim(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + verbatim(text) + "\\fR"; }

// Prose with `code` in backquotes, one sentence a line, none of which can be
// taken for a request.
std::string prose(std::string_view text) {
  std::string out;
  bool in_code = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '`') {
      out += in_code ? "\\fR" : "\\fB";
      in_code = !in_code;
    } else if (text.substr(i, 2) == "\n\n") {
      out += "\n.PP\n";
      ++i;
    } else if (!in_code && text.substr(i, 2) == ". ") {
      out += ".\n";
      ++i;
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += in_code || c == '\\' || c == '~' ? verbatim({&c, 1}) : std::string(1, c);
    }
  }
  return out;
}

// Long lines broken at spaces, where that cannot make a request of a word.
std::string folded(std::string_view page) {
  constexpr std::size_t kWidth = 79;
  std::string out;
  while (!page.empty()) {
    std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    while (line.size() > kWidth && !line.starts_with('.')) {
      std::size_t space = line.rfind(' ', kWidth);
      while (space != std::string_view::npos && space > 0 &&
             std::string_view(".'").find(line[space + 1]) != std::string_view::npos) {
        space = line.rfind(' ', space - 1);
      }
      if (space == std::string_view::npos || space == 0) break;
      out += std::string(line.substr(0, space)) + "\n";
      line.remove_prefix(space + 1);
    }
    out += std::string(line) + "\n";
  }
  return out;
}

std::string sentence(std::string_view text) {
  std::string out(text);
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out + ".";
}

std::string title(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return ".TH " + verbatim(upper) + " 1 " + std::string(kDate) + " \"carrel " +
         std::string(kVersion) + "\" \"User Commands\"\n";
}

std::string section(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return ".SH " + upper + "\n";
}

std::string item(const std::string& head, const std::string& body) {
  return ".TP\n" + head + "\n" + body + "\n";
}

std::string option_item(const Option& option) {
  std::string head;
  if (option.letter != 0) head = bold(std::string{'-', option.letter}) + ", ";
  head += bold("--" + std::string(option.name));
  if (!option.value.empty()) head += " " + italic(option.value);
  std::string body = prose(sentence(option.help));
  if (!option.more.empty()) body += "\n" + prose(option.more);
  if (option.repeat == Repeat::kMany) body += "\nMay be given more than once.";
  return item(head, body);
}

std::string options(const Subcommand& subcommand) {
  std::string out;
  for (const Group& group : subcommand.groups) {
    if (subcommand.groups.size() > 1) out += ".SS " + std::string(group.title) + "\n";
    for (const Option& option : group.options) out += option_item(option);
  }
  return out;
}

std::string synopsis(const Subcommand& subcommand) {
  std::string out = bold("carrel " + std::string(subcommand.name)) + " [" + italic("OPTIONS") + "]";
  switch (subcommand.operands) {
    case Operands::kNone:
      break;
    case Operands::kCommand:
      out += " [" + bold("--") + "] " + italic("COMMAND") + " [" + italic("ARGS") + "...]";
      break;
    case Operands::kMaybeCommand:
      out += " [[" + bold("--") + "] " + italic("COMMAND") + " [" + italic("ARGS") + "...]]";
      break;
    case Operands::kProfile:
      out += " [" + italic("NAME") + "]";
      break;
    case Operands::kSubcommand:
      out += " [" + italic("SUBCOMMAND") + "]";
      break;
    case Operands::kHostPort:
      out += " " + italic("HOST") + " " + italic("PORT");
      break;
    case Operands::kOneHost:
      out += " " + italic("HOST") + "[:" + italic("PORT") + "]";
      break;
    case Operands::kLogFile:
      out += " [" + bold("verify") + "] " + italic("FILE");
      break;
    case Operands::kShell:
      out += " " + bold("bash") + "|" + bold("zsh") + "|" + bold("fish");
      break;
  }
  return out + "\n";
}

std::string named_items(std::span<const Named> named) {
  std::string out;
  for (const Named& one : named) out += item(bold(one.name), prose(sentence(one.help)));
  return out;
}

std::string command_sections() {
  std::string out = section("Limits") +
                    "The names that \\fB\\-\\-limit\\fR takes. Sizes are bytes, or end in a unit "
                    "such as KiB, MiB, GiB or GB.\n" +
                    named_items(limit_names()) + section("Exit status") +
                    named_items(exit_statuses()) + section("Examples");
  for (const Named& example : examples()) {
    out += item(bold(example.name), prose(sentence(example.help)));
  }
  return out;
}

}  // namespace

std::string man_page() {
  const Subcommand& run = *find_subcommand("run");
  std::string out = title("carrel") + section("Name") + "carrel \\- " + std::string(kTagline) +
                    "\n" + section("Synopsis");
  for (const Subcommand& subcommand : subcommands()) out += synopsis(subcommand) + ".br\n";
  out.resize(out.size() - 4);  // the last line needs no break
  out += section("Description") + prose(run.more) + "\n" + section("Subcommands");
  for (const Subcommand& subcommand : subcommands()) {
    std::string body = prose(sentence(subcommand.summary));
    if (subcommand.verb != Verb::kRun && !subcommand.more.empty()) {
      // Inside an item a paragraph is indented.
      std::string more = prose(subcommand.more);
      for (std::size_t at = 0; (at = more.find(".PP", at)) != std::string::npos; at += 3) {
        more.replace(at, 3, ".IP");
      }
      body += "\n" + more;
    }
    out += item(bold(subcommand.name), body);
  }
  out += section("Options of run and explain") + options(run) + command_sections();
  out += section("See also") + "\\fBunshare\\fR(1), \\fBseccomp\\fR(2), \\fBnamespaces\\fR(7)\n";
  return folded(out);
}

std::string man_page(const Subcommand& subcommand) {
  const std::string name = "carrel-" + std::string(subcommand.name);
  std::string out = title(name) + section("Name") + verbatim(name) + " \\- " +
                    prose(subcommand.summary) + "\n" + section("Synopsis") + synopsis(subcommand) +
                    section("Description");
  out +=
      prose(subcommand.more.empty() ? sentence(subcommand.summary) : std::string(subcommand.more));
  out += "\n" + section("Options") + options(subcommand);
  if (takes_command(subcommand.operands)) out += command_sections();
  return folded(out + section("See also") + "\\fBcarrel\\fR(1)\n");
}

}  // namespace carrel::cli
