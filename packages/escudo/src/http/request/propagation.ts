import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { PropagateOptions } from '../options.ts'

/** Which parts of the trace context a client sends, and to which origins. */
export interface Propagation {
  readonly traceparent: boolean
  readonly tracestate: boolean
  readonly baggage: boolean
  /** Whether `tracestate` and `baggage` may be sent to this origin. */
  isOwn(origin: string): boolean
}

/** @throws ConfigurationError with the path of an invalid option */
export function readPropagation(
  options: PropagateOptions | undefined,
  baseOrigin: string | undefined,
  path: string,
): Propagation {
  const given = options ?? {}
  knownKeys(given, path, ['traceparent', 'tracestate', 'baggage', 'origins'])
  const origins = new Set(readOrigins(given.origins, `${path}.origins`))
  if (baseOrigin !== undefined) origins.add(baseOrigin)
  return {
    traceparent: readSwitch(given.traceparent, `${path}.traceparent`),
    tracestate: readSwitch(given.tracestate, `${path}.tracestate`),
    baggage: readSwitch(given.baggage, `${path}.baggage`),
    isOwn: (origin) => origins.has(origin),
  }
}

function readSwitch(value: unknown, path: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? true
  throw new ConfigurationError(path, `expected true or false, got ${show(value)}`)
}

function readOrigins(origins: PropagateOptions['origins'], path: string): readonly string[] {
  if (origins === undefined) return []
  if (!Array.isArray(origins)) throw new ConfigurationError(path, `expected an array of origins, got ${show(origins)}`)
  return origins.map((given: unknown, index) => {
    const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
    // `href` has a slash after the origin. Any other rest is a path, a query or a user.
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
      throw new ConfigurationError(`${path}[${index}]`, `expected an http or https origin, got ${show(given)}`)
    }
    return url.origin
  })
}
