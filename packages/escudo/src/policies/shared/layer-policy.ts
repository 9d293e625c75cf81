import type { Binding } from '../../core/binding.ts'
import { wrapLayer } from '../../core/engine/custom-policy.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Run } from '../../core/operation.ts'
import { type Finding, LAYER, type PolicyFacts, unbound } from '../../core/policy.ts'
import { checkOrder, type OrderRule } from './order-rules.ts'

/** The base of the policies that a shield enters as a layer. A subclass implements `layer`; `wrap` follows from it. */
export abstract class LayerPolicy implements PolicyFacts {
  abstract readonly name: string
  abstract readonly type: string
  abstract readonly settings: PolicyFacts['settings']

  /** Makes the policy's layer around the layer inside it. Called once per shield. */
  abstract layer(next: Layer, binding: Binding): Layer

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    return wrapLayer((inside, bound) => this.layer(inside, bound), next, binding)
  }

  check(inside: readonly PolicyFacts[], own: PolicyFacts = this): readonly Finding[] {
    return checkOrder(this.orderRules, own, inside)
  }

  /** What must not be inside this policy. A getter on the prototype, so that no policy shows it. */
  protected get orderRules(): readonly OrderRule[] {
    return []
  }
}

// On the prototype, because a class with a computed member has no isolated declaration.
Object.defineProperty(LayerPolicy.prototype, LAYER, {
  configurable: true,
  writable: true,
  value(this: LayerPolicy, next: Layer, binding: Binding): Layer {
    return this.layer(next, binding)
  },
})
