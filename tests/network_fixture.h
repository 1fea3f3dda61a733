// A sandbox whose machine is joined to another one, with servers, by a wire.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fixture.h"
#include "net_world.h"

namespace carrel::tests {

class Networked : public Sandboxed {
 protected:
  void SetUp() override {
    Sandboxed::SetUp();
    if (IsSkipped()) return;
    net_ = std::make_unique<NetWorld>(world());
    if (!net_->lacking().empty()) GTEST_SKIP() << net_->lacking();
  }
  void TearDown() override {
    net_.reset();
    Sandboxed::TearDown();
  }
  NetWorld& net() { return *net_; }

  Invocation allowed_invocation(const std::vector<std::string>& hosts, const std::string& script) {
    std::vector<std::string> options;
    for (const std::string& host : hosts) options.insert(options.end(), {"--allow", host});
    return net().here(sealed_invocation({"/bin/bash", "-c", script}, options));
  }
  // A script of bash in a sandbox that may reach `hosts`.
  Ended allowed(const std::vector<std::string>& hosts, const std::string& script) {
    return run(allowed_invocation(hosts, script));
  }

 private:
  std::unique_ptr<NetWorld> net_;
};
}  // namespace carrel::tests
