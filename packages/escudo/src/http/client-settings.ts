import { knownKeys, optionalFunction, wholeNumber } from '../core/options/options.ts'
import { COMMON_KEYS, type CommonSettings, readCommonSettings } from './common-settings.ts'
import type { ResilientFetchOptions } from './options.ts'
import { KnownOrigin } from './request/known-origin.ts'

const PATH = 'resilientFetch'

/** The options of `resilientFetch`, checked and with defaults. */
export interface ClientSettings extends CommonSettings<Response> {
  readonly fetch: typeof fetch
  /** Whether `fetch` is a function of the user. */
  readonly customFetch: boolean
  readonly retryBodyMaxBytes: number | undefined
  readonly knownOrigin: KnownOrigin
}

/** @throws ConfigurationError with the path of an invalid option */
export function readSettings(options: ResilientFetchOptions): ClientSettings {
  knownKeys(options, PATH, [...COMMON_KEYS, 'fetch', 'retryBody'])
  const given = optionalFunction(options.fetch, `${PATH}.fetch`)
  return {
    ...readCommonSettings(options, PATH, 'fetch'),
    // Looked up at each call: mocking and instrumentation tools may replace the global `fetch` later.
    // Called without a `this`: the `fetch` of a browser or a worker refuses any other than the global object.
    fetch: given === undefined ? (input, init) => globalThis.fetch(input, init) : (input, init) => given(input, init),
    customFetch: given !== undefined,
    retryBodyMaxBytes: readRetryBody(options.retryBody),
    knownOrigin: new KnownOrigin(),
  }
}

function readRetryBody(retryBody: ResilientFetchOptions['retryBody']): number | undefined {
  if (retryBody === undefined) return undefined
  knownKeys(retryBody, `${PATH}.retryBody`, ['maxBytes'])
  return wholeNumber(retryBody.maxBytes, `${PATH}.retryBody.maxBytes`, 1)
}
