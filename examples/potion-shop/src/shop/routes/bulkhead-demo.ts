import { isRefusal, TimeoutError } from 'escudo'
import { route } from 'escudo/fastify'
import { UpstreamError } from 'escudo/http'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Errors } from '../catalogue.ts'
import type { Dependencies } from '../dependencies.ts'
import { type Compartment, compartments } from '../shields.ts'

const MS_MAX = 10_000

const DependencyPath = z.object({ dependency: z.string().meta({ examples: ['a'] }) })
// Digits and nothing else: a number made of any text would take '', '1e3' and '0x10' too.
const Slowness = z.object({
  ms: z
    .string()
    .regex(/^\d{1,5}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().max(MS_MAX))
    .default(0),
})

const ANSWERS = [
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

/** 4.5: three dependencies, each behind a bulkhead of its own: however slow one of them is, the others do not notice. */
export function bulkheadDemoRoutes({ callSlow }: Dependencies) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get(
      '/bulkhead-demo/:dependency',
      route({ ...documented, params: DependencyPath, query: Slowness, errors: ANSWERS }, async ({ params, query }) => {
        const { dependency } = params
        if (!isCompartment(dependency)) throw new Errors.DEPENDENCY_NOT_FOUND({ dependency })
        try {
          return await callSlow(dependency, query.ms)
        } catch (error) {
          // A full bulkhead, a timeout and a failed call are already the right answers. What is left is a body that
          // makes no sense.
          if (isRefusal(error) || error instanceof TimeoutError || error instanceof UpstreamError) throw error
          throw new Errors.EXTERNAL_FAILED(undefined, { cause: error })
        }
      }),
    )
  }
}

function isCompartment(name: string): name is Compartment {
  return Object.hasOwn(compartments, name)
}
