#include "world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace carrel::tests {
namespace {

namespace fs = std::filesystem;

std::string variable_or(const char* name, const char* fallback) {
  const char* value = ::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

// Not in /tmp or /var/tmp, which a sandbox replaces.
std::string folder_of_worlds() {
  if (::getenv("CARREL_TEST_DIR") != nullptr) return ::getenv("CARREL_TEST_DIR");
  if (::geteuid() == 0) return "/var/cache";
  const std::string folder = variable_or("HOME", "/nonexistent") + "/.cache";
  ::mkdir(folder.c_str(), 0700);
  return folder;
}

std::string make_root() {
  std::string path = folder_of_worlds() + "/carrel-test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    std::perror(("test harness: mkdtemp " + path).c_str());
    std::abort();
  }
  ::chmod(path.c_str(), 0755);
  return fs::canonical(path).string();
}

std::string line_of(const std::string& path, const std::string& shown) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) == -1) return "? " + shown + "\n";
  char text[160];
  // A folder's size and links follow from its entries.
  const bool folder = S_ISDIR(info.st_mode);
  std::snprintf(text, sizeof text, "%06o %u:%u %lld %llu %llu ", info.st_mode, info.st_uid,
                info.st_gid, folder ? 0LL : static_cast<long long>(info.st_size),
                static_cast<unsigned long long>(info.st_ino),
                folder ? 0ULL : static_cast<unsigned long long>(info.st_nlink));
  std::string line = text + shown;
  std::error_code ignored;
  if (S_ISLNK(info.st_mode)) line += " -> " + fs::read_symlink(path, ignored).string();
  return line + "\n";
}

}  // namespace

World::World(Who who) : who_(who), root_(make_root()) {
  for (const char* dir : {"work", "home", "outside", "bin"}) make_dir(dir);
  for (const char* file :
       {"home/.ssh/id_ed25519", "home/.aws/credentials", "home/.netrc", "home/.npmrc",
        "home/.gnupg/private-keys-v1.d/key", "home/.kube/config", "home/.docker/config.json",
        "home/.bash_history", "home/.config/gcloud/credentials.db"}) {
    make_file(file, kSecret, 0600);
  }
  make_file("home/notes.txt", "ordinary\n");
  make_file("outside/file.txt", "untouched\n");
  carrel_ = install(variable_or("CARREL", CARREL_PATH));
}

World::~World() {
  std::error_code ignored;
  // Folders that a test made unreadable are opened up first.
  if (::geteuid() != 0) {
    for (auto at = fs::recursive_directory_iterator(
             root_, fs::directory_options::skip_permission_denied, ignored);
         at != fs::recursive_directory_iterator(); at.increment(ignored)) {
      if (at->is_directory(ignored) && !at->is_symlink(ignored)) {
        fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
      }
    }
  }
  fs::remove_all(root_, ignored);
}

std::string World::hostile(std::string_view name) {
  return install(variable_or("CARREL_HOSTILE", CARREL_HOSTILE_PATH) + "/" + std::string(name));
}

void World::own(const std::string& path) const {
  if (::geteuid() != 0) return;
  const unsigned id = who_ == Who::kUser ? kUserId : 0;
  if (::lchown(path.c_str(), id, id) == -1) std::perror(("test harness: chown " + path).c_str());
}

std::string World::install(const std::string& from) {
  const std::string to = root_ + "/bin/" + fs::path(from).filename().string();
  if (!fs::exists(to)) {
    std::error_code failure;
    fs::copy_file(from, to, failure);
    if (failure) {
      std::fprintf(stderr, "test harness: copy %s: %s\n", from.c_str(), failure.message().c_str());
      std::abort();
    }
    ::chmod(to.c_str(), 0755);
    own(to);
  }
  return to;
}

std::string World::make_dir(const std::string& path) {
  std::string whole = root_;
  for (const fs::path& part : fs::path(path)) {
    whole += "/" + part.string();
    if (::mkdir(whole.c_str(), 0755) == 0) own(whole);
  }
  own(whole);
  return whole;
}

std::string World::make_file(const std::string& path, std::string_view text, unsigned mode) {
  make_dir(fs::path(path).parent_path().string());
  const std::string whole = root_ + "/" + path;
  write_file(whole, text, mode);
  own(whole);
  return whole;
}

std::string World::make_link(const std::string& path, const std::string& target) {
  make_dir(fs::path(path).parent_path().string());
  const std::string whole = root_ + "/" + path;
  if (::symlink(target.c_str(), whole.c_str()) == -1) std::perror(whole.c_str());
  own(whole);
  return whole;
}

Invocation World::carrel(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), carrel_);
  return plain(std::move(arguments));
}

Invocation World::plain(std::vector<std::string> argv) const {
  Invocation invocation;
  invocation.argv = std::move(argv);
  invocation.who = who_;
  invocation.cwd = work();
  invocation.env = user_environment(*this);
  return invocation;
}

std::string World::listing() const {
  std::vector<std::string> lines{line_of(root_, ".")};
  std::error_code failure;
  for (auto at = fs::recursive_directory_iterator(root_, failure);
       !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    lines.push_back(line_of(at->path().string(), at->path().string().substr(root_.size() + 1)));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return failure ? text + failure.message() : text;
}

std::map<std::string, std::string> user_environment(const World& world) {
  return {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
          {"HOME", world.home()},
          {"USER", "tester"},
          {"LANG", "C.UTF-8"},
          {"TERM", "xterm"},
          {"SSH_AUTH_SOCK", "/run/" + std::string(kSecret)},
          {"AWS_SECRET_ACCESS_KEY", std::string(kSecret)},
          {"GITHUB_TOKEN", std::string(kSecret)},
          {"ANTHROPIC_API_KEY", std::string(kSecret)},
          {"NPM_TOKEN", std::string(kSecret)},
          {"LD_PRELOAD_NOT", std::string(kSecret)}};
}

}  // namespace carrel::tests
