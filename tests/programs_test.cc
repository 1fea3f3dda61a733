// Programs of every day do in a sandbox what they do outside.
#include <unistd.h>

#include "fixture.h"
#include "terminal.h"

namespace carrel::tests {
namespace {

class Programs : public Sandboxed {
 protected:
  static bool is_installed(const char* program) { return ::access(program, X_OK) == 0; }
};
CARREL_AS_ROOT_AND_USER(Programs);

#define CARREL_NEEDS(program) \
  if (!is_installed(program)) GTEST_SKIP() << program << " is not installed"

TEST_P(Programs, BashWithPipesAndJobs) {
  const Ended ended = sealed_script(
      "set -euo pipefail; seq 100 | sort -rn | head -n 1 | cat; a=($(ls /)); [ ${#a[@]} -gt 5 ]; "
      "sleep 0.1 & wait $!; echo $(( $(nproc) > 0 )); coproc cat; echo hi >&${COPROC[1]}; read -u "
      "${COPROC[0]} x; echo $x");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "100\n1\nhi\n");
}

TEST_P(Programs, PythonWithThreadsProcessesAndFiles) {
  CARREL_NEEDS("/usr/bin/python3");
  const Ended ended =
      sealed({"/usr/bin/python3", "-c",
              "import subprocess,threading,sqlite3,tempfile,os,concurrent.futures as c\n"
              "print(subprocess.run(['echo','sub'],capture_output=True,text=True).stdout.strip())\n"
              "t=threading.Thread(target=lambda: print('thread'));t.start();t.join()\n"
              "d=sqlite3.connect('x.db');d.execute('create table t(a)');d.execute('insert into t "
              "values(1)');d.commit()\n"
              "print(d.execute('select a from t').fetchall())\n"
              "with c.ProcessPoolExecutor(2) as p: print(list(p.map(abs,[-1,-2])))\n"
              "with tempfile.NamedTemporaryFile() as f: print(os.path.exists(f.name))\n"
              "print(os.path.expanduser('~'))\n"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "sub\nthread\n[(1,)]\n[1, 2]\nTrue\n" + world().home() + "\n")
      << describe(ended);
}

TEST_P(Programs, MakeAndACompilerBuildAProject) {
  CARREL_NEEDS("/usr/bin/make");
  CARREL_NEEDS("/usr/bin/cc");
  world().make_file("work/main.c",
                    "#include <stdio.h>\nint value(void);\nint main(void) { printf(\"built "
                    "%d\\n\", value()); return 0; }\n");
  world().make_file("work/value.c", "int value(void) { return 42; }\n");
  world().make_file(
      "work/Makefile",
      "program: main.o value.o\n\tcc -o $@ $^\n%.o: %.c\n\tcc -O2 -Wall -c -o $@ $<\n");
  const Ended ended = sealed_script("make -s -j4 && ./program");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "built 42\n") << describe(ended);
}

TEST_P(Programs, NodeRuns) {
  CARREL_NEEDS("/usr/bin/node");
  const Ended ended = sealed(
      {"/usr/bin/node", "-e",
       "const cp=require('child_process');console.log(cp.execSync('echo sub').toString().trim());"
       "require('fs').promises.writeFile('x','1').then(()=>console.log(require('fs').readFileSync('"
       "x','utf8')));"
       "new "
       "(require('worker_threads').Worker)('require(\"worker_threads\").parentPort.postMessage(7)',"
       "{eval:true})"
       ".on('message',m=>console.log('worker',m))"});
  EXPECT_TRUE(exited(ended, 0));
  for (const char* part : {"sub\n", "1\n", "worker 7\n"})
    EXPECT_TRUE(contains(ended.out, part)) << describe(ended);
}

TEST_P(Programs, NpmInstallsALocalDependencyWithoutANetwork) {
  CARREL_NEEDS("/usr/bin/npm");
  world().make_file("work/lib/package.json",
                    R"({"name": "lib", "version": "1.0.0", "main": "index.js"})");
  world().make_file("work/lib/index.js", "module.exports = () => 'from lib';\n");
  world().make_file("work/app/package.json",
                    R"({"name": "app", "version": "1.0.0", "dependencies": {"lib": "file:../lib"},
                        "scripts": {"postinstall": "node -e \"console.log(require('lib')())\" > built"}})");
  const Ended ended = sealed_script(
      "cd app && npm install --offline --no-audit --no-fund --cache /tmp/npm 2>&1 && cat built");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "from lib")) << describe(ended);
}

// What a package brings along (.vscode, a git folder of its own) keeps nobody from
// removing it, but for what git would execute.
TEST_P(Programs, NpmReplacesAndRemovesPackagesThatBringEditorSettings) {
  CARREL_NEEDS("/usr/bin/npm");
  for (const char* file : {"index.js", ".vscode/settings.json", ".idea/x.xml", ".gitmodules"}) {
    world().make_file("work/lib/" + std::string(file), "\n");
  }
  world().make_file("work/lib/package.json", R"({"name": "lib", "version": "1.0.0"})");
  world().make_file(
      "work/app/package.json",
      R"({"name": "app", "version": "1.0.0", "dependencies": {"lib": "file:../lib"}})");
  world().make_file("work/app/.vscode/settings.json", "\n");
  const std::string install =
      "npm install --offline --no-audit --no-fund --install-links --cache /tmp/npm 2>&1";
  EXPECT_TRUE(exited(sealed_script("cd app && " + install), 0));
  const std::string installed = world().work() + "/app/node_modules/lib/.vscode";
  ASSERT_EQ(::access(installed.c_str(), F_OK), 0);
  const Ended again = sealed_script("cd app && rm -rf node_modules && " + install +
                                    " && npm uninstall --offline --cache /tmp/npm lib 2>&1 && "
                                    "! test -e node_modules/lib && rm -rf node_modules && "
                                    "! rm -rf .vscode 2>/dev/null");
  EXPECT_TRUE(exited(again, 0));
}

TEST_P(Programs, TarAndGzipRoundTrip) {
  world().make_file("work/src/a/file", "content\n");
  world().make_link("work/src/a/link", "file");
  const Ended ended = sealed_script(
      "set -e; tar -czf s.tgz src; mkdir out; tar -xzpf s.tgz -C out; diff -r src out/src; cat "
      "out/src/a/link");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "content\n") << describe(ended);
}

TEST_P(Programs, TarOfAnArchiveWithSetuidFilesLeavesThemOrdinary) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a setuid file of root's";
  ASSERT_TRUE(exited(plain_script("cp /bin/true s; chmod 4755 s; tar -cpf s.tar s; rm s"), 0));
  (void)sealed_script("tar -xpf s.tar");
  EXPECT_EQ(run(world().plain({"/usr/bin/find", world().root(), "-perm", "/6000"})).out, "");
}

TEST_P(Programs, FindWalksTheWholeTreeAndShowsNoSecret) {
  const Ended ended = sealed_script(
      "find / -path '*/home/*' -name 'id_ed25519*' 2>/dev/null; find / -xdev >/dev/null 2>&1; "
      "true");
  EXPECT_FALSE(contains(ended.out, world().home())) << describe(ended);
}

TEST_P(Programs, PsAndTopShowTheSandbox) {
  CARREL_NEEDS("/usr/bin/top");
  Ended ended = sealed_script("ps aux | wc -l");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "5\n");  // a heading, PID 1, bash, ps and wc
  ended = sealed({"/usr/bin/top", "-b", "-n1"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.out, "PID")) << describe(ended);
}

TEST_P(Programs, TopRunsOnATerminal) {
  CARREL_NEEDS("/usr/bin/top");
  Terminal terminal(sealed_invocation({"/usr/bin/top", "-d", "0.3"}));
  EXPECT_TRUE(terminal.expect("load average")) << terminal.shown();
  EXPECT_TRUE(terminal.expect("PID")) << terminal.shown();
  terminal.type("q");
  EXPECT_TRUE(exited(terminal.wait(), 0));
}

TEST_P(Programs, VimEditsAFile) {
  CARREL_NEEDS("/usr/bin/vim");
  world().make_file("work/text", "one\n");
  EXPECT_TRUE(exited(
      sealed({"/usr/bin/vim", "-u", "NONE", "-es", "-c", "%s/one/two/", "-c", "wq", "text"}), 0));
  EXPECT_EQ(read_file(world().work() + "/text"), "two\n");

  Terminal terminal(sealed_invocation({"/usr/bin/vim", "-u", "NONE", "text"}));
  ASSERT_TRUE(terminal.expect("two")) << terminal.shown();
  terminal.type("othree\x1b:wq\r");
  EXPECT_TRUE(exited(terminal.wait(), 0));
  EXPECT_EQ(read_file(world().work() + "/text"), "two\nthree\n");
}

TEST_P(Programs, DebuggersWorkOnTheirOwnChildren) {
  CARREL_NEEDS("/usr/bin/strace");
  const Ended ended = sealed({"/usr/bin/strace", "-f", "-e", "trace=execve", "/bin/true"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(contains(ended.err, "execve(\"/bin/true\"")) << describe(ended);
}

TEST_P(Programs, GitOfAnyVersionFindsItsOwner) {
  CARREL_NEEDS("/usr/bin/git");
  const Ended ended =
      sealed_script("git init -q . && git status --short && git rev-parse --is-inside-work-tree");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "true\n") << describe(ended);
}

}  // namespace
}  // namespace carrel::tests
