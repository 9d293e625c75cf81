import { brand, type Origin, PolicyError } from '../core/errors.ts'

/** All places of the bulkhead were taken, and so was its queue, or the wait in it was too long: the operation was not called. */
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
