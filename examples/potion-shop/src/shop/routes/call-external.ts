import { isRefusal } from 'escudo'
import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { Errors } from '../catalogue.ts'
import type { Dependencies } from '../dependencies.ts'
import { external, externalBreaker } from '../shields.ts'

const SHOWN = {
  closed: 'CLOSED',
  disabled: 'CLOSED',
  open: 'OPEN',
  isolated: 'OPEN',
  'half-open': 'HALF_OPEN',
} as const

/** 4.6: a circuit breaker in front of a dependency that fails every other time. */
export function callExternalRoutes({ callExternal }: Dependencies) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/call-external',
      route({ errors: ['EXTERNAL_FAILED', 'CIRCUIT_OPEN'] }, async () => {
        try {
          return { status: 'ok', data: await callExternal() }
        } catch (error) {
          // The breaker's refusal is already the right answer: 503 CIRCUIT_OPEN, with a Retry-After.
          if (isRefusal(error)) throw error
          throw new Errors.EXTERNAL_FAILED(undefined, { cause: error })
        }
      }),
    )

    app.get('/breaker-status', async () => {
      const status = external.status().policies.find((policy) => policy.type === 'circuitBreaker')
      return { state: SHOWN[externalBreaker.state], failures: status?.['failures'] }
    })
  }
}
