import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'

// Only a URL with a scheme replaces the base. `//host` and `\\host` do not, so an untrusted path keeps the base's origin.
const ABSOLUTE = /^(?:[a-z][a-z\d+.-]*:\/\/|data:|blob:)/i

/** The base URL of a dependency's paths. */
export class BaseUrl {
  readonly origin: string
  readonly #prefix: string

  /** @throws ConfigurationError unless `base` is an http(s) URL of only an origin and a path */
  constructor(base: string | URL, path: string) {
    const url = parse(base)
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw new ConfigurationError(path, `expected an absolute http or https URL, got ${show(String(base))}`)
    }
    if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
      throw new ConfigurationError(path, 'expected a URL without a query, fragment, user or password')
    }
    this.origin = url.origin
    this.#prefix = url.origin + url.pathname.replace(/\/+$/, '')
  }

  /**
   * Joins an input to the base: `/items` under `http://shop/api` is `http://shop/api/items`.
   *
   * Slashes between the two are optional. An absolute URL stays as it is.
   */
  resolve(input: string | URL): string | URL {
    if (typeof input !== 'string') return input
    if (ABSOLUTE.test(input)) return input
    if (input === '' || input.startsWith('?') || input.startsWith('#')) return this.#prefix + input
    return `${this.#prefix}/${input.replace(/^\//, '')}`
  }
}

function parse(base: string | URL): URL | undefined {
  try {
    return new URL(base)
  } catch {
    return undefined
  }
}
