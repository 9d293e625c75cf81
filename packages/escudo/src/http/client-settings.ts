import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { checkedName, isHeaderName, knownKeys, oneOf, optionalFunction, wholeNumber } from '../core/options/options.ts'
import { shield } from '../core/shield.ts'
import { synchronous } from '../errors/options/synchronous.ts'
import { BaseUrl } from './base-url.ts'
import type { ResilientFetchOptions, ResponseShield } from './options.ts'
import { OriginShields } from './origin-shields.ts'
import { type Propagation, readPropagation } from './request/propagation.ts'

const PATH = 'resilientFetch'
// A field name of RFC 9110 (5.1), at most 100 characters.

/** The options of `resilientFetch`, checked and with defaults. */
export interface ClientSettings {
  readonly name: string
  readonly throws: boolean
  readonly fetch: typeof fetch
  /** Whether `fetch` is a function of the user. */
  readonly customFetch: boolean
  readonly retryBodyMaxBytes: number | undefined
  readonly idempotencyKey: (() => string) | undefined
  readonly deadlineHeader: string | undefined
  readonly propagation: Propagation
  readonly template: ((url: URL) => string | undefined) | undefined
  resolve(input: string | URL): string | URL
  shieldFor(origin: string): ResponseShield
}

/** @throws ConfigurationError with the path of an invalid option */
export function readSettings(options: ResilientFetchOptions): ClientSettings {
  knownKeys(options, PATH, [
    'name',
    'baseUrl',
    'shield',
    'errors',
    'fetch',
    'retryBody',
    'idempotencyKey',
    'template',
    'deadlineHeader',
    'propagate',
    'maxOrigins',
  ])
  const name = checkedName(options.name, `${PATH}.name`)
  const base = options.baseUrl === undefined ? undefined : new BaseUrl(options.baseUrl, `${PATH}.baseUrl`)
  const errors = oneOf(options.errors ?? 'fetch', `${PATH}.errors`, ['fetch', 'throw'])
  const given = optionalFunction(options.fetch, `${PATH}.fetch`)
  return {
    name,
    throws: errors === 'throw',
    // Looked up at each call: mocking and instrumentation tools may replace the global `fetch` later.
    // Called without a `this`: the `fetch` of a browser or a worker refuses any other than the global object.
    fetch: given === undefined ? (input, init) => globalThis.fetch(input, init) : (input, init) => given(input, init),
    customFetch: given !== undefined,
    retryBodyMaxBytes: readRetryBody(options.retryBody),
    idempotencyKey: readIdempotencyKey(options.idempotencyKey),
    deadlineHeader: readHeaderName(options.deadlineHeader ?? 'x-request-timeout-ms'),
    template: readTemplate(options.template),
    propagation: readPropagation(options.propagate, base?.origin, `${PATH}.propagate`),
    resolve: (input) => (base === undefined ? input : base.resolve(input)),
    shieldFor: readShield(options, name, base),
  }
}

function readShield(
  options: ResilientFetchOptions,
  name: string,
  base: BaseUrl | undefined,
): (origin: string) => ResponseShield {
  const maxOrigins = wholeNumber(options.maxOrigins ?? 100, `${PATH}.maxOrigins`, 1, 100_000)
  if (options.shield === undefined) {
    const shields = new OriginShields(name, base?.origin, maxOrigins)
    return (origin) => shields.of(origin)
  }
  const given = options.shield === false ? shield(name) : options.shield
  if (typeof given?.run !== 'function') {
    throw new ConfigurationError(`${PATH}.shield`, `expected a shield or false, got ${show(given)}`)
  }
  return () => given
}

function readRetryBody(retryBody: ResilientFetchOptions['retryBody']): number | undefined {
  if (retryBody === undefined) return undefined
  knownKeys(retryBody, `${PATH}.retryBody`, ['maxBytes'])
  return wholeNumber(retryBody.maxBytes, `${PATH}.retryBody.maxBytes`, 1)
}

function readIdempotencyKey(option: ResilientFetchOptions['idempotencyKey']): (() => string) | undefined {
  if (option === undefined || option === false) return undefined
  if (option === true) return () => crypto.randomUUID()
  const path = `${PATH}.idempotencyKey`
  if (typeof option === 'function') {
    return () => {
      const key: unknown = option()
      if (typeof key === 'string' && key !== '') return key
      throw new ConfigurationError(path, `expected text, but it returned ${show(synchronous(key, path))}`)
    }
  }
  throw new ConfigurationError(path, `expected true, false or a function, got ${show(option)}`)
}

function readTemplate(template: ResilientFetchOptions['template']): ClientSettings['template'] {
  const path = `${PATH}.template`
  const given = optionalFunction(template, path)
  if (given === undefined) return undefined
  return (url) => {
    const text: unknown = given(url)
    if (text === undefined || typeof text === 'string') return text
    throw new ConfigurationError(path, `expected text or undefined, but it returned ${show(synchronous(text, path))}`)
  }
}

function readHeaderName(name: string | false): string | undefined {
  if (name === false) return undefined
  if (isHeaderName(name)) return name
  throw new ConfigurationError(`${PATH}.deadlineHeader`, `expected the name of a header or false, got ${show(name)}`)
}
