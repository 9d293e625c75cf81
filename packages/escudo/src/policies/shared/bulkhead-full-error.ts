import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'

/**
 * A bulkhead or an adaptive limiter has no permit for the call.
 *
 * A bulkhead: all permits were in use and the queue was full, or the call waited longer than `maxWait`. An adaptive
 * limiter: as many calls were in flight as the limit allows. The operation was not called.
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
