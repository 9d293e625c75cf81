import type { Command } from './command.ts'
import { observability } from './observability/command.ts'

/** All commands, in the order of `escudo --help`. */
export const COMMANDS: readonly Command[] = [observability]
