import { isRefusal, TimeoutError } from 'escudo'
import { route } from 'escudo/fastify'
import { UpstreamError } from 'escudo/http'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Dependencies } from '../dependencies.ts'
import { type BulkheadName, bulkheads } from '../shields.ts'

const MS_MAX = 10_000

const DependencyPath = z.object({ dependency: z.string().meta({ examples: ['a'] }) })
// `z.coerce.number()` would accept '', '1e3' and '0x10' too.
const SlowQuery = z.object({
  ms: z
    .string()
    .regex(/^\d{1,5}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().max(MS_MAX))
    .default(0),
})

const ERROR_NAMES = [
  'DEPENDENCY_NOT_FOUND',
  'BULKHEAD_FULL',
  'EXTERNAL_FAILED',
  'UPSTREAM_ERROR',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
] as const

const documented = {
  tags: ['4.5'],
  summary: 'Call one of three dependencies, each behind its own bulkhead',
  response: z.object({ dependency: z.string(), ms: z.number() }),
} as const

/** 4.5: three dependencies, each behind its own bulkhead, so that a slow one does not affect the others. */
export function bulkheadDemoRoutes({ callSlow }: Dependencies) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/bulkhead-demo/:dependency',
      route(
        { ...documented, params: DependencyPath, query: SlowQuery, errors: ERROR_NAMES },
        async ({ params, query }) => {
          const { dependency } = params
          if (!isBulkheadName(dependency)) throw new Errors.DEPENDENCY_NOT_FOUND({ dependency })
          try {
            return await callSlow(dependency, query.ms)
          } catch (error) {
            // These errors already have the right answer. Any other error is an invalid body.
            if (isRefusal(error) || error instanceof TimeoutError || error instanceof UpstreamError) throw error
            throw new Errors.EXTERNAL_FAILED(undefined, { cause: error })
          }
        },
      ),
    )
  }
}

function isBulkheadName(name: string): name is BulkheadName {
  return Object.hasOwn(bulkheads, name)
}
