import type { Binding } from './binding.ts'
import { customPolicyLayer } from './engine/custom-policy.ts'
import type { Layer } from './engine/layer.ts'
import { type AnyPolicy, LAYER } from './policy.ts'
import { checkedRun } from './validation.ts'

/** A policy in one shield. */
export class BoundPolicy {
  /** The policy's name within the shield. */
  readonly name: string
  readonly policy: AnyPolicy
  /** False if it has only `wrap`. Stored, because to ask the policy costs a status as much as to read its counters. */
  readonly hasLayer: boolean
  readonly #binding: Binding
  /** The layer of a policy that has only `wrap`, and the layer inside it. */
  #wrapped: Layer | undefined
  #inside: Layer | undefined

  constructor(policy: AnyPolicy, binding: Binding) {
    this.name = binding.policy
    this.policy = policy
    this.hasLayer = policy[LAYER] !== undefined
    this.#binding = binding
  }

  /**
   * Makes the policy's layer around `next`. Called again when options change: a layer reads its options when it is made.
   *
   * The `wrap` of a policy is called only once, because a custom policy may keep state there.
   */
  around(next: Layer): Layer {
    const { policy } = this
    // A user may replace `wrap` on a built-in policy, for example to observe it. The layer would bypass the replacement.
    const layer = Object.hasOwn(policy, 'wrap') ? undefined : policy[LAYER]?.(next, this.#binding)
    if (layer !== undefined) return layer
    this.#inside = next
    this.#wrapped ??= customPolicyLayer((run) => checkedRun(policy.wrap(run, this.#binding), this.name), {
      enter: (call, operation, frame) => (this.#inside as Layer).enter(call, operation, frame),
    })
    return this.#wrapped
  }
}
