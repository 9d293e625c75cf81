import { isRefusal } from 'escudo'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Dependencies } from '../dependencies.ts'
import { external, externalBreaker } from '../shields.ts'

const STATE_NAMES = {
  closed: 'CLOSED',
  disabled: 'CLOSED',
  open: 'OPEN',
  isolated: 'OPEN',
  'half-open': 'HALF_OPEN',
} as const

const call = {
  tags: ['4.6'],
  summary: 'Call a dependency through a circuit breaker',
  response: z.object({ status: z.literal('ok'), data: z.object({ message: z.string() }) }),
} as const
const breakerStatus = {
  tags: ['4.6'],
  summary: 'The state of that breaker',
  response: z.object({ state: z.enum(['CLOSED', 'OPEN', 'HALF_OPEN']), failures: z.number() }),
} as const

/** 4.6: a circuit breaker in front of a dependency that fails half of the time. */
export function callExternalRoutes({ callExternal }: Dependencies) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/call-external',
      // As in `routes/items.ts`, an error is returned: an open circuit refuses many calls, and this is its cheapest answer.
      route({ ...call, errors: ['EXTERNAL_FAILED', 'CIRCUIT_OPEN'] }, () =>
        callExternal().then((data) => ({ status: 'ok', data }), errorOf),
      ),
    )

    app.get(
      '/breaker-status',
      route(breakerStatus, async () => {
        const status = external.status().policies.find((policy) => policy.type === 'circuitBreaker')
        return { state: STATE_NAMES[externalBreaker.state], failures: status?.['failures'] }
      }),
    )
  }
}

function errorOf(error: unknown): unknown {
  // The refusal already has the right answer: 503 CIRCUIT_OPEN with `Retry-After`.
  return isRefusal(error) ? error : new Errors.EXTERNAL_FAILED(undefined, { cause: error })
}
