import type { Binding } from '../../core/binding.ts'
import { wrapLayer } from '../../core/engine/custom-policy.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Run } from '../../core/operation.ts'
import { type Finding, LAYER, type PolicyFacts, unbound } from '../../core/policy.ts'
import { checkOrder } from './order-rules.ts'

/** The base class of policies that run as a layer. They implement {@link LAYER}; `wrap` and `check` follow from it. */
export abstract class LayerPolicy implements PolicyFacts {
  abstract readonly name: string
  abstract readonly type: string
  abstract readonly settings: PolicyFacts['settings']

  abstract [LAYER](next: Layer, binding: Binding): Layer

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    return wrapLayer((inside, bound) => this[LAYER](inside, bound), next, binding)
  }

  check(inside: readonly PolicyFacts[]): readonly Finding[] {
    return checkOrder(this, inside)
  }
}
