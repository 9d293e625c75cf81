import type { AnyPolicy } from 'escudo'
import type { VirtualClock } from 'escudo/testing'
import type { Part } from './model.ts'

/** A policy, and its rules in the documentation. A new policy needs one entry. */
export interface Entry {
  readonly name: string
  readonly type: string
  readonly make: () => AnyPolicy
  /** The counters in the status of an unused policy. */
  readonly counters: Readonly<Record<string, number>>
  /** The rules of the policy, around the part inside it. */
  readonly model: (inside: Part) => Part
  /** Makes the policy refuse every call. Returns a function that ends this. */
  readonly refuse?: (policy: AnyPolicy, clock: VirtualClock) => () => void
}
