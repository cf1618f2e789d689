// SPDX-License-Identifier: Apache-2.0
//
// Moves that many scenarios make, each with louder and quieter ways of making it. A move sets the
// step.
#pragma once

#include "stages/produce/synthetic/attack/attack.h"

namespace tocsin::synthetic::moves {

// A stager in PowerShell: encoded, hidden or obfuscated. Returns the shell.
Process stage(Attack& attack, const Process& parent);
// Drops "{payload}" (a path) and starts it.
Process implant(Attack& attack, const Process& shell);
void beacon(Attack& attack, const Process& implant, int times);
void persist(Attack& attack, const Process& shell);
void discover(Attack& attack, const Process& shell);
void bypass_uac(Attack& attack, const Process& shell);
void dump_lsass(Attack& attack, const Process& shell);
void impair_defender(Attack& attack, const Process& shell);
void clear_logs(Attack& attack, const Process& shell);
void inject(Attack& attack, const Process& implant);
// Runs something on `target` as `who`; returns the process there.
Process spread(Attack& attack, const Process& shell, const Account& who, Host& target);
void collect(Attack& attack, const Process& shell);
void exfiltrate(Attack& attack, const Process& shell);
void destroy_recovery(Attack& attack, const Process& shell);
void encrypt(Attack& attack, const Process& implant, int files);

}  // namespace tocsin::synthetic::moves
