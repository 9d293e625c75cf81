import type { Operation } from '../core/operation.ts'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { checkedName, isHeaderName, oneOf, optionalFunction, wholeNumber } from '../core/options/options.ts'
import { shield } from '../core/shield.ts'
import type { AnyShield, RunOptions } from '../core/shield-types.ts'
import { synchronous } from '../errors/options/synchronous.ts'
import { read } from '../errors/safe-read.ts'
import { BaseUrl } from './base-url.ts'
import type { ClientOptions } from './options.ts'
import { OriginShields } from './origin-shields.ts'
import { type Propagation, readPropagation } from './request/propagation.ts'

/** A shield whose calls return the answer of a client. */
export interface AnswerShield<T> {
  readonly run: (operation: Operation<T>, options?: RunOptions) => Promise<T>
}

/** The options that every HTTP client has, checked and with defaults. */
export interface CommonSettings<T> {
  readonly name: string
  readonly throws: boolean
  readonly idempotencyKey: (() => string) | undefined
  readonly deadlineHeader: string | undefined
  readonly propagation: Propagation
  readonly template: ((url: URL) => string | undefined) | undefined
  resolve(input: string | URL): string | URL
  shieldFor(origin: string): AnswerShield<T>
  /** The shields that calls have used so far, or the one that was given. */
  shields(): readonly AnyShield[]
}

/** The keys of {@link ClientOptions}. */
export const COMMON_KEYS = [
  'name',
  'baseUrl',
  'shield',
  'errors',
  'idempotencyKey',
  'template',
  'deadlineHeader',
  'propagate',
  'maxOrigins',
] as const

/**
 * Reads the options that every client has.
 *
 * @param path the name of the client's function, for errors
 * @param returns the value of `errors` with which a status is no error
 * @throws ConfigurationError with the path of an invalid option
 */
export function readCommonSettings<T>(
  options: ClientOptions<T>,
  path: string,
  returns: 'fetch' | 'response',
): CommonSettings<T> {
  const name = checkedName(options.name, `${path}.name`)
  const base = options.baseUrl === undefined ? undefined : new BaseUrl(options.baseUrl, `${path}.baseUrl`)
  const errors = oneOf(options.errors ?? returns, `${path}.errors`, [returns, 'throw'])
  return {
    name,
    throws: errors === 'throw',
    idempotencyKey: readIdempotencyKey(options.idempotencyKey, `${path}.idempotencyKey`),
    deadlineHeader: readHeaderName(options.deadlineHeader ?? 'x-request-timeout-ms', `${path}.deadlineHeader`),
    template: readTemplate(options.template, `${path}.template`),
    propagation: readPropagation(options.propagate, base?.origin, `${path}.propagate`),
    resolve: (input) => (base === undefined ? input : base.resolve(input)),
    ...readShield(options, path, name, base),
  }
}

function readShield<T>(
  options: ClientOptions<T>,
  path: string,
  name: string,
  base: BaseUrl | undefined,
): Pick<CommonSettings<T>, 'shieldFor' | 'shields'> {
  const maxOrigins = wholeNumber(options.maxOrigins ?? 100, `${path}.maxOrigins`, 1, 100_000)
  if (options.shield === undefined) {
    const shields = new OriginShields(name, base?.origin, maxOrigins)
    return { shieldFor: (origin) => shields.of(origin), shields: () => shields.all }
  }
  const given = options.shield === false ? shield(name) : options.shield
  if (typeof given?.run !== 'function') {
    throw new ConfigurationError(`${path}.shield`, `expected a shield or false, got ${show(given)}`)
  }
  // Anything with a method `run` is accepted, such as a shield in a test.
  const listed = options.shield !== false && typeof read(given, 'status') === 'function'
  return { shieldFor: () => given, shields: () => (listed ? [given as unknown as AnyShield] : []) }
}

function readIdempotencyKey(option: ClientOptions<never>['idempotencyKey'], path: string): (() => string) | undefined {
  if (option === undefined || option === false) return undefined
  if (option === true) return () => crypto.randomUUID()
  if (typeof option === 'function') {
    return () => {
      const key: unknown = option()
      if (typeof key === 'string' && key !== '') return key
      throw new ConfigurationError(path, `expected text, but it returned ${show(synchronous(key, path))}`)
    }
  }
  throw new ConfigurationError(path, `expected true, false or a function, got ${show(option)}`)
}

function readTemplate(template: ClientOptions<never>['template'], path: string): CommonSettings<never>['template'] {
  const given = optionalFunction(template, path)
  if (given === undefined) return undefined
  return (url) => {
    const text: unknown = given(url)
    if (text === undefined || typeof text === 'string') return text
    throw new ConfigurationError(path, `expected text or undefined, but it returned ${show(synchronous(text, path))}`)
  }
}

function readHeaderName(name: string | false, path: string): string | undefined {
  if (name === false) return undefined
  if (isHeaderName(name)) return name
  throw new ConfigurationError(path, `expected the name of a header or false, got ${show(name)}`)
}
