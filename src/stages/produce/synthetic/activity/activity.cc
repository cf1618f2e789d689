// SPDX-License-Identifier: Apache-2.0
#include "stages/produce/synthetic/activity/activity.h"

#include <algorithm>

#include "base/check.h"

namespace tocsin::synthetic {
namespace {

// Programs that stay open in a session once something needs them.
struct Opening {
  std::string_view key;
  std::string_view program;
  std::string_view parent;
  std::string_view command;
  bool elevated = false;
};
constexpr Opening kOpenings[] = {
    {"explorer", "explorer", "userinit", R"(C:\Windows\Explorer.EXE)"},
    {"sihost", "sihost", "svchost.profile", "sihost.exe"},
    {"chrome", "chrome", "explorer", R"("C:\Program Files\Google\Chrome\Application\chrome.exe" )"},
    {"edge", "edge", "explorer",
     R"("C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe" --profile-directory=Default)"},
    {"firefox", "firefox", "explorer",
     R"("C:\Program Files\Mozilla Firefox\firefox.exe" -osint -url about:home)"},
    {"outlook", "outlook", "explorer",
     R"("C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" )"},
    {"teams", "teams", "explorer",
     R"("C:\Program Files\WindowsApps\MSTeams_24295.605.3225.8804_x64__8wekyb3d8bbwe\ms-teams.exe" msteams:system-initiated)"},
    {"onedrive", "onedrive", "explorer",
     R"("C:\Program Files\Microsoft OneDrive\OneDrive.exe" /background)"},
    {"slack", "slack", "explorer",
     R"("{home}\AppData\Local\slack\slack.exe" --process-start-args --startup)"},
    {"code", "code", "explorer",
     R"("{home}\AppData\Local\Programs\Microsoft VS Code\Code.exe" {repodir})"},
    {"devenv", "devenv", "explorer",
     R"("C:\Program Files\Microsoft Visual Studio\2022\Professional\Common7\IDE\devenv.exe" "{repodir}\{repo}.sln")"},
    {"cmd", "cmd", "explorer", R"("C:\Windows\system32\cmd.exe" )"},
    {"codecmd", "cmd", "code", R"(C:\Windows\System32\cmd.exe)"},
    {"powershell", "powershell", "explorer",
     R"("C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" )"},
    {"winword", "winword", "explorer",
     R"("C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "{home}\{folder}\{doc}.docx" /o "")"},
    {"acrobat", "acrobat", "explorer",
     R"("C:\Program Files\Adobe\Acrobat DC\Acrobat\Acrobat.exe" )"},
    {"admincmd", "cmd", "explorer", R"("C:\Windows\system32\cmd.exe" )", true},
    {"adminps", "powershell", "explorer",
     R"("C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe" -NoExit)", true},
    {"mmc", "mmc", "explorer", R"("C:\Windows\system32\mmc.exe" "C:\Windows\system32\dsa.msc")",
     true},
    {"ssms", "ssms", "explorer",
     R"("C:\Program Files (x86)\Microsoft SQL Server Management Studio 20\Common7\IDE\Ssms.exe" )"},
    {"ledger", "ledger", "explorer",
     R"("C:\Program Files\Meridian Ledger\Ledger.exe" /site:HQ{n})"},
};

}  // namespace

const Process* Doer::find(std::string_view key) const {
  for (const Resident& known : residents)
    if (known.key == key) return &known.process;
  return host->find(key);
}

const Process& resident(World& world, Scene& scene, UnixNanos& at, Doer& doer,
                        std::string_view key) {
  if (const Process* known = doer.find(key)) {
    at = std::max(at, known->start + 100 * kMillisecond);  // it may only be about to start
    return *known;
  }
  for (const Opening& opening : kOpenings) {
    if (opening.key != key) continue;
    const Process& parent = resident(world, scene, at, doer, opening.parent);
    at += world.rng.range(150, 1800) * kMillisecond;
    const bool elevated = opening.elevated && doer.elevated.account != nullptr;
    Process process = launch(world, at, scene,
                             {.parent = &parent,
                              .program = &find_program(opening.program),
                              .logon = elevated ? &doer.elevated : &doer.logon,
                              .command = expand(opening.command, scene, world.rng),
                              .integrity = elevated ? "High" : "Medium",
                              .directory = {}});
    doer.residents.push_back({opening.key, std::move(process)});
    return doer.residents.back().process;
  }
  check_failed(std::string(key).c_str(), __FILE__, __LINE__);
}

void perform(World& world, UnixNanos at, Doer& doer, const Activity& activity) {
  Scene scene{.estate = &world.estate,
              .host = doer.host,
              .account = activity.elevated && doer.elevated.account != nullptr
                             ? doer.elevated.account
                             : doer.logon.account,
              .peer = nullptr,
              .now = at,
              .names = {}};
  const Process& parent = resident(world, scene, at, doer, activity.parent);
  if (activity.program.empty()) {
    play(world, scene, at, parent, activity.effects);
    return;
  }
  at += world.rng.range(20, 700) * kMillisecond;
  const bool elevated = activity.elevated && doer.elevated.account != nullptr;
  const Logon logon = elevated ? doer.elevated : parent.logon;
  Process process = launch(world, at, scene,
                           {.parent = &parent,
                            .program = &find_program(activity.program),
                            .logon = &logon,
                            .command = expand(activity.command, scene, world.rng),
                            .integrity = elevated ? "High" : "Medium",
                            .directory = {}});
  play(world, scene, at, process, activity.effects);
  const std::int64_t most = activity.seconds > 0 ? activity.seconds : 1800;
  finish(world, at + world.rng.range(40, most * 1000) * kMillisecond, process);
}

void Choice::add(std::span<const Activity> activities, Audience who) {
  for (const Activity& activity : activities) {
    if ((activity.who & who) == 0) continue;
    total_ += static_cast<std::uint32_t>(activity.weight);
    rows_.push_back(&activity);
    upto_.push_back(total_);
  }
}

const Activity& Choice::pick(Rng& rng) const {
  TOCSIN_CHECK(total_ > 0);
  const std::uint32_t at = rng.below(total_);
  const auto found = std::upper_bound(upto_.begin(), upto_.end(), at);
  return *rows_[static_cast<std::size_t>(found - upto_.begin())];
}

}  // namespace tocsin::synthetic
