import { brand, type Origin, PolicyError } from '../core/errors.ts'

/**
 * All places of the bulkhead were taken, and so was its queue, or the wait in it was too long: the operation was not
 * called.
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
    super(`the bulkhead of '${origin.shield}' is full: ${problem} (${origin.policy})`, origin)
  }
}
brand(BulkheadFullError, 'BulkheadFullError', {
  code: 'BULKHEAD_FULL',
  status: 503,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
