import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'

// Only what names a scheme leaves the base: `//host` and `\\host` do not, so a path that came from outside cannot.
const ABSOLUTE = /^(?:[a-z][a-z\d+.-]*:\/\/|data:|blob:)/i

/** The address under which a dependency's paths stand. */
export class BaseUrl {
  readonly origin: string
  readonly #prefix: string

  /** @throws ConfigurationError for what is no http(s) URL, or has more than origin and path */
  constructor(base: string | URL, path: string) {
    const url = parse(base)
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw new ConfigurationError(path, `expected an absolute http or https URL, got ${show(String(base))}`)
    }
    if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
      throw new ConfigurationError(path, 'expected a URL without query, fragment, user and password')
    }
    this.origin = url.origin
    this.#prefix = url.origin + url.pathname.replace(/\/+$/, '')
  }

  /**
   * Joins: `/items` under `http://shop/api` is `http://shop/api/items`, with or without the slashes between. An absolute
   * URL stays what it is, as `fetch` has it.
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
