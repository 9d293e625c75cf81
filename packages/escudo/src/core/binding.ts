import type { Clock } from './clock.ts'
import type { EventHub } from './events/events.ts'
import type { Random } from './random.ts'

/** What a shield gives each of its policies when it is built. */
export interface Binding {
  /** The shield's name. */
  readonly shield: string
  /** The policy's name within the shield: its explicit name, or its type, numbered from the second one on. */
  readonly policy: string
  readonly clock: Clock
  readonly random: Random
  readonly events: EventHub
  /** Whether refusals and timeouts capture a stack. It helps with debugging and costs microseconds. */
  readonly stacks: boolean
}
