import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'

/**
 * All places of a bulkhead were taken, and so was its queue, or the wait in it was too long; or an adaptive limiter had
 * as many calls in flight as its limit allows. The operation was not called.
 *
 * @example
 * ```ts
 * import { BulkheadFullError, bulkhead, shield } from 'escudo'
 *
 * const reports = shield('reports', bulkhead({ limit: 1 }))
 * const first = reports.run(async () => 'the report')
 * const second = await reports.run(async () => 'another').catch((reason) => reason)
 * console.log(await first, second instanceof BulkheadFullError) // the report true
 * ```
 */
export class BulkheadFullError extends PolicyError {
  readonly code = 'BULKHEAD_FULL'

  constructor(origin: Origin, problem: string) {
    super(`'${origin.shield}' is full: ${problem} (${origin.policy})`, origin)
  }
}
defineFacts(BulkheadFullError, 'BulkheadFullError', {
  code: 'BULKHEAD_FULL',
  status: 503,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
