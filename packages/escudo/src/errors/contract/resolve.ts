import { AbortRetryError } from '../abort-retry-error.ts'
import { type AnyCatalogue, type Entry, type ErrorDefinition, entryOf } from '../catalogue/definition.ts'
import { WellKnown } from '../catalogue/well-known.ts'
import { type ErrorFacts, factsOf } from '../error-facts.ts'
import { ignoreRejection, isThenable } from '../options/synchronous.ts'
import { isError, read } from '../safe-read.ts'
import { codeOfStatus, isErrorStatus, phraseOf } from '../status.ts'
import { truncate } from '../to-json.ts'
import { errorHeaders, NO_HEADERS, retryAfterMsOf } from './error-headers.ts'

/**
 * Turns a third-party error (of a database driver, an HTTP client) into an error of a catalogue.
 *
 * Returns undefined for an error that it does not know. It must be synchronous: a promise is ignored, and the log line
 * of the error says so in `map_problem`.
 */
export type Mapper = (error: unknown) => unknown

/** A thrown value, resolved to a definition. */
export interface Resolved {
  readonly code: string
  readonly definition: ErrorDefinition
  /** Whether the definition is that of a catalogue, and not made for this error. */
  readonly isListed: boolean
  readonly context: unknown
  readonly internal: unknown
  readonly retryAfterMs: unknown
  /** Headers of the response that belong to the error, checked. */
  readonly headers: Readonly<Record<string, string>>
  /** The error to report: the thrown value, or the result of a mapper. */
  readonly error: unknown
  /** Why the result of a mapper was ignored. */
  readonly mapProblem?: string
}

/** How many errors that only forbid retries are looked through. */
const ABORTS_MAX = 5

const known: AnyCatalogue = WellKnown as unknown as AnyCatalogue

/**
 * Resolves a thrown value to a definition. This is the trust boundary of the contract.
 *
 * It trusts errors with escudo's facts, the results of mappers, http-errors with `expose`, and the network errors of
 * `fetch`. Any other value is a bug, even if it carries a status: an HTTP client's error with `status` 401 must not
 * turn another service's 401 into ours.
 */
export function resolve(thrown: unknown, errors: AnyCatalogue, mappers: readonly Mapper[]): Resolved {
  const given = withoutAbort(thrown)
  const entry = entryOf(given)
  if (entry !== undefined) return resolveError(given, errors, entry)
  const { error, problem } = applyMappers(given, mappers)
  const resolved = resolveError(error, errors, error === given ? undefined : entryOf(error))
  return problem === undefined ? resolved : { ...resolved, mapProblem: problem }
}

/** The cause of an {@link AbortRetryError}, which speaks to retries only. Other values are returned as they are. */
function withoutAbort(thrown: unknown): unknown {
  let error = thrown
  // Bounded, because an error can be its own cause.
  for (let depth = 0; depth < ABORTS_MAX && isError(error) && error instanceof AbortRetryError; depth += 1) {
    error = error.cause
  }
  return error
}

function resolveError(error: unknown, errors: AnyCatalogue, entry: Entry | undefined): Resolved {
  return (
    resolveEscudoError(error, errors, entry) ??
    resolveHttpError(error) ??
    resolveFetchError(error, errors) ??
    resolveBug(error, errors)
  )
}

/** Returns the error of the first mapper that knows the thrown one, else the thrown one. */
function applyMappers(thrown: unknown, mappers: readonly Mapper[]): { error: unknown; problem?: string } {
  let problem: string | undefined
  for (let index = 0; index < mappers.length; index += 1) {
    try {
      const error = mappers[index]?.(thrown)
      if (isThenable(error)) {
        ignoreRejection(error)
        problem = `createErrorContract.map[${index}] returned a promise; it must be synchronous`
        continue
      }
      // Only an error with escudo's facts is accepted: anything else would bypass the trust boundary.
      if (error !== undefined && factsOf(error) !== undefined) return { error }
    } catch {
      // A mapper that throws does not know the error.
    }
  }
  return problem === undefined ? { error: thrown } : { error: thrown, problem }
}

function resolveEscudoError(error: unknown, errors: AnyCatalogue, entry: Entry | undefined): Resolved | undefined {
  const facts = factsOf(error)
  if (facts === undefined || !isErrorStatus(facts.status)) return undefined
  // A timeout that reaches the contract was set around a call to a dependency.
  const code = facts.code === 'TIMEOUT' ? 'UPSTREAM_TIMEOUT' : facts.code
  const listed = ownDefinition(entry?.definition, code, errors)
  const definition = listed ?? definitionOfFacts(facts)
  if (!isErrorStatus(definition.status)) return undefined
  const { context, internal, retryAfterMs, headers } = detailsOf(error)
  return {
    code,
    definition,
    isListed: listed !== undefined,
    context,
    internal,
    retryAfterMs,
    // An error without an entry can be that of a failed call, which carries the headers of a dependency.
    headers: entry === undefined ? NO_HEADERS : errorHeaders(headers),
    error,
  }
}

interface Details {
  readonly context?: unknown
  readonly internal?: unknown
  readonly retryAfterMs?: unknown
  readonly headers?: unknown
}

/** What an error carries. Read at once, because a safe read of each costs several times as much. */
function detailsOf(error: unknown): Details {
  try {
    const { context, internal, retryAfterMs, headers } = error as Details
    return { context, internal, retryAfterMs, headers }
  } catch {
    return {
      context: read(error, 'context'),
      internal: read(error, 'internal'),
      retryAfterMs: read(error, 'retryAfterMs'),
      headers: read(error, 'headers'),
    }
  }
}

/** The definition of an error's entry. For an error of the library, the service's own entry takes precedence. */
function ownDefinition(
  definition: ErrorDefinition | undefined,
  code: string,
  errors: AnyCatalogue,
): ErrorDefinition | undefined {
  const isLibrary = definition !== undefined && Object.hasOwn(known, code) && known[code]?.definition === definition
  return isLibrary || definition === undefined ? definitionOf(code, errors) : definition
}

/** The definition of a code. The service's own entry takes precedence over the well-known one. */
function definitionOf(code: string, errors: AnyCatalogue): ErrorDefinition | undefined {
  const own = Object.hasOwn(errors, code) ? errors[code] : undefined
  return own?.definition ?? (Object.hasOwn(known, code) ? known[code]?.definition : undefined)
}

function definitionOfFacts(facts: ErrorFacts): ErrorDefinition {
  const { status, kind } = facts
  return {
    status,
    kind,
    message: status >= 500 ? WellKnown.INTERNAL_SERVER_ERROR.definition.message : phraseOf(status),
  }
}

/** An error of the `http-errors` library, or of its shape. `expose` declares that a client may read the message. */
function resolveHttpError(error: unknown): Resolved | undefined {
  const status = read(error, 'status')
  if (!isError(error) || read(error, 'expose') !== true) return undefined
  if (!isErrorStatus(status) || read(error, 'statusCode') !== status) return undefined
  // `createError(404, error)` with an error of the file system keeps its message, which contains a path of the server.
  const text = read(error, 'syscall') === undefined ? read(error, 'message') : undefined
  // A template would replace `{page}` with a question mark, because there is no context.
  const message =
    typeof text === 'string' && text !== '' ? truncate(text, 1_024).replaceAll(/[{}]/g, '') : phraseOf(status)
  const definition: ErrorDefinition = { status, message: message === '' ? phraseOf(status) : message }
  return {
    code: codeOfStatus(status),
    definition,
    isListed: false,
    context: undefined,
    internal: undefined,
    retryAfterMs: retryAfterMsOf(read(error, 'headers')),
    headers: errorHeaders(read(error, 'headers')),
    error,
  }
}

const TIMEOUTS: readonly unknown[] = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']

/** The TypeError with which `fetch` itself rejects when the network fails. */
function resolveFetchError(error: unknown, errors: AnyCatalogue): Resolved | undefined {
  if (!isError(error) || read(error, 'name') !== 'TypeError' || read(error, 'message') !== 'fetch failed')
    return undefined
  const cause = read(read(error, 'cause'), 'code')
  if (typeof cause !== 'string') return undefined
  return wellKnown(TIMEOUTS.includes(cause) ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR', error, errors)
}

function resolveBug(error: unknown, errors: AnyCatalogue): Resolved {
  return wellKnown('INTERNAL_SERVER_ERROR', error, errors)
}

function wellKnown(
  code: 'INTERNAL_SERVER_ERROR' | 'UPSTREAM_ERROR' | 'UPSTREAM_TIMEOUT',
  error: unknown,
  errors: AnyCatalogue,
): Resolved {
  const definition = definitionOf(code, errors) ?? WellKnown[code].definition
  return {
    code,
    definition,
    isListed: true,
    context: undefined,
    internal: undefined,
    retryAfterMs: undefined,
    headers: NO_HEADERS,
    error,
  }
}
