import { type AnyCatalogue, type ErrorDefinition, entryOf } from '../catalogue/definition.ts'
import { WellKnown } from '../catalogue/well-known.ts'
import { type ErrorFacts, factsOf } from '../error-facts.ts'
import { isError, read } from '../safe-read.ts'
import { codeOfStatus, isErrorStatus, phraseOf } from '../status.ts'
import { truncate } from '../to-json.ts'

/**
 * Turns an error of somebody else (a database driver, an HTTP client) into one of a catalogue; undefined for what it
 * does not know.
 */
export type Mapper = (error: unknown) => unknown

/** What an error is, once it is known whose it is. */
export interface Resolved {
  readonly code: string
  readonly definition: ErrorDefinition
  readonly context: unknown
  readonly internal: unknown
  readonly retryAfterMs: unknown
  /** The error that is answered: what was thrown, or what a mapper made of it. */
  readonly error: unknown
}

const known: AnyCatalogue = WellKnown as unknown as AnyCatalogue

/**
 * Finds out what a thrown value is. The trust boundary of the contract: believed are our own brand, explicit mappers
 * and http-errors that say `expose`. Anything else, whatever status and message it carries, is a bug: an HTTP client's
 * error with `status` 401 would make another service's 401 ours.
 */
export function resolve(thrown: unknown, errors: AnyCatalogue, mappers: readonly Mapper[]): Resolved {
  const error = entryOf(thrown) === undefined ? mapped(thrown, mappers) : thrown
  return ours(error, errors) ?? exposed(error) ?? fetchFailed(error, errors) ?? bug(error, errors)
}

function mapped(thrown: unknown, mappers: readonly Mapper[]): unknown {
  for (const mapper of mappers) {
    try {
      const error = mapper(thrown)
      // A mapper may only answer with a branded error: else it would be a hole in the boundary.
      if (error !== undefined && factsOf(error) !== undefined) return error
    } catch {
      // A mapper that stumbles over a strange error knows nothing about it.
    }
  }
  return thrown
}

function ours(error: unknown, errors: AnyCatalogue): Resolved | undefined {
  const facts = factsOf(error)
  if (facts === undefined || !isErrorStatus(facts.status)) return undefined
  // A timeout that reaches the edge of the service guarded something behind it.
  const code = facts.code === 'TIMEOUT' ? 'UPSTREAM_TIMEOUT' : facts.code
  const definition = entryOf(error)?.definition ?? definitionOf(code, errors) ?? unnamed(facts)
  if (!isErrorStatus(definition.status)) return undefined
  return {
    code,
    definition,
    context: read(error, 'context'),
    internal: read(error, 'internal'),
    retryAfterMs: read(error, 'retryAfterMs'),
    error,
  }
}

/** The entry for a code: the service's own before the well-known one. */
function definitionOf(code: string, errors: AnyCatalogue): ErrorDefinition | undefined {
  const own = Object.hasOwn(errors, code) ? errors[code] : undefined
  return own?.definition ?? (Object.hasOwn(known, code) ? known[code]?.definition : undefined)
}

function unnamed(facts: ErrorFacts): ErrorDefinition {
  const { status, kind } = facts
  return {
    status,
    kind,
    message: status >= 500 ? WellKnown.INTERNAL_SERVER_ERROR.definition.message : phraseOf(status),
  }
}

/** An error of the `http-errors` library, or of that form: it says itself that a client may read it. */
function exposed(error: unknown): Resolved | undefined {
  const status = read(error, 'status')
  if (!isError(error) || read(error, 'expose') !== true) return undefined
  if (!isErrorStatus(status) || read(error, 'statusCode') !== status) return undefined
  const text = read(error, 'message')
  // Braces would be read as placeholders; there is no context, so each would become a question mark.
  const message =
    typeof text === 'string' && text !== '' ? truncate(text, 1_024).replaceAll(/[{}]/g, '') : phraseOf(status)
  const definition: ErrorDefinition = { status, message: message === '' ? phraseOf(status) : message }
  return {
    code: codeOfStatus(status),
    definition,
    context: undefined,
    internal: undefined,
    retryAfterMs: undefined,
    error,
  }
}

const TIMEOUTS: readonly unknown[] = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']

/** What `fetch` itself rejects with when the network fails: nobody else makes this TypeError. */
function fetchFailed(error: unknown, errors: AnyCatalogue): Resolved | undefined {
  if (!isError(error) || read(error, 'name') !== 'TypeError' || read(error, 'message') !== 'fetch failed')
    return undefined
  const cause = read(read(error, 'cause'), 'code')
  if (typeof cause !== 'string') return undefined
  return wellKnown(TIMEOUTS.includes(cause) ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_ERROR', error, errors)
}

function bug(error: unknown, errors: AnyCatalogue): Resolved {
  return wellKnown('INTERNAL_SERVER_ERROR', error, errors)
}

function wellKnown(
  code: 'INTERNAL_SERVER_ERROR' | 'UPSTREAM_ERROR' | 'UPSTREAM_TIMEOUT',
  error: unknown,
  errors: AnyCatalogue,
): Resolved {
  const definition = definitionOf(code, errors) ?? WellKnown[code].definition
  return { code, definition, context: undefined, internal: undefined, retryAfterMs: undefined, error }
}
