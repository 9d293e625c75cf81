import type { Clock } from './clock.ts'
import type { EventHub } from './events/events.ts'
import type { Random } from './random.ts'

/** What a shield gives each of its policies when it is built. */
export interface Binding {
  /** The shield's name. */
  readonly shield: string
  /** The policy's name within the shield: the one it was given, else its type, numbered when it occurs twice. */
  readonly policy: string
  readonly clock: Clock
  readonly random: Random
  readonly events: EventHub
  /** Whether refusals and timeouts capture a stack: costs microseconds, helps with debugging. */
  readonly stacks: boolean
}
