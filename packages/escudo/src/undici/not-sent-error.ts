import { type ErrorFacts, FACTS } from '../errors/error-facts.ts'

// undici refused the request itself: invalid options, a closed dispatcher. The dependency has nothing to do with it.
const LOCAL_CODES: ReadonlySet<unknown> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_MAX_ORIGINS_REACHED',
  'UND_ERR_BPL_MISSING_UPSTREAM',
])

const REFUSED_FACTS: ErrorFacts = {
  code: 'INTERNAL_SERVER_ERROR',
  status: 500,
  kind: 'technical',
  retry: 'never',
  verdict: 'ignored',
}

/** Carries undici's error through the policies, which must count and retry nothing. The caller receives the error. */
export class NotSentError extends Error {
  readonly refused: unknown

  constructor(refused: unknown) {
    super('undici refused the request')
    this.refused = refused
  }

  static {
    Object.defineProperty(NotSentError.prototype, FACTS, { value: REFUSED_FACTS })
  }
}

/** Whether undici refused a request itself. */
export function isRefusedLocally(error: unknown): boolean {
  return LOCAL_CODES.has((error as { readonly code?: unknown } | undefined)?.code)
}
