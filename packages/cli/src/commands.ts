import { LEVERS } from './admin/lever-commands.ts'
import { reconfigure } from './admin/reconfigure.ts'
import { status, watch } from './admin/status-commands.ts'
import type { Command } from './command.ts'
import { errors } from './errors/command.ts'
import { observability } from './observability/command.ts'

/** All commands, in the order of `escudo --help`. */
export const COMMANDS: readonly Command[] = [status, watch, ...LEVERS, reconfigure, observability, errors]
