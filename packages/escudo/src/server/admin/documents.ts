import type { StandardSchema } from '../../errors/standard-schema.ts'
import { anySchema } from './any-schema.ts'
import { ACTIONS } from './command.ts'
import type { AdminErrorName } from './errors.ts'

// What OpenAPI documents say about the admin routes.

const SHIELD = {
  type: 'object',
  required: ['name', 'policies'],
  properties: {
    name: { type: 'string', examples: ['inventory'] },
    disabled: { type: 'boolean', const: true },
    policies: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'type'],
        properties: {
          name: { type: 'string', examples: ['circuitBreaker'] },
          type: { type: 'string', examples: ['circuitBreaker'] },
        },
      },
    },
  },
}

/** The status of a shield. */
export const STATUS: StandardSchema = anySchema(SHIELD)

/** The status of every shield. */
export const LIST: StandardSchema = anySchema({
  type: 'object',
  required: ['service', 'shields'],
  properties: {
    service: { type: 'string', examples: ['potion-shop'] },
    shields: { type: 'array', items: SHIELD },
    total: { type: 'integer', description: 'The number of shields, if there are more than the list has.' },
  },
})

/** What an action has changed. */
export const ACTED: StandardSchema = anySchema({
  type: 'object',
  required: ['shield', 'action', 'outcome', 'before', 'after'],
  properties: {
    shield: { type: 'string', examples: ['inventory'] },
    policy: { type: 'string', examples: ['circuitBreaker'] },
    action: { type: 'string', enum: ACTIONS },
    outcome: { type: 'string', enum: ['done', 'unchanged'] },
    before: { examples: [{ state: 'closed', failures: 0, calls: 12 }] },
    after: { examples: [{ state: 'isolated', failures: 0, calls: 0 }] },
  },
})

/** What a route looks up. A shield without a circuit breaker lacks the policy that an action is for. */
type LooksUp = 'shield' | 'breaker' | 'policy'

const ERRORS: Readonly<Record<LooksUp, readonly AdminErrorName[]>> = {
  shield: ['SHIELD_NOT_FOUND', 'SHIELD_AMBIGUOUS'],
  breaker: ['POLICY_NOT_FOUND'],
  policy: ['POLICY_NOT_FOUND', 'ACTION_NOT_SUPPORTED'],
}

/** The errors of a route. Those of its security replace `UNAUTHORIZED`. */
export function routeErrors(security: string | undefined, lookups: readonly LooksUp[]): readonly AdminErrorName[] {
  const own = lookups.flatMap((each) => ERRORS[each])
  return security === undefined ? ['UNAUTHORIZED', 'CROSS_ORIGIN_REFUSED', ...own] : ['CROSS_ORIGIN_REFUSED', ...own]
}
