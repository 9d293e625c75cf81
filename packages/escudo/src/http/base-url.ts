import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'

// Only a URL with a scheme replaces the base. `//host` and `\\host` do not, so an untrusted path keeps the base's origin.
const ABSOLUTE = /^(?:[a-z][a-z\d+.-]*:\/\/|data:|blob:)/i

// Contains everything of which a URL parser makes a parent segment; it removes tabs and line breaks first.
const MAY_LEAVE = /\.\.|%2e|[\t\n\r]/i
// Many servers decode these to slashes, merge slashes, and only then read `..` as a parent segment.
const SLASHES = /(?:\/|%2f|%5c)+/gi
// Servlet containers remove path parameters before that: `..;a=b` is a parent segment too.
const PARAMETERS = /(?:;|%3b)[^/]*/gi

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
   *
   * @throws TypeError if a relative input leaves the base path
   */
  resolve(input: string | URL): string | URL {
    if (typeof input !== 'string') return input
    if (ABSOLUTE.test(input)) return input
    if (input === '' || input.startsWith('?') || input.startsWith('#')) return this.#prefix + input
    const joined = `${this.#prefix}/${input.replace(/^\//, '')}`
    if (MAY_LEAVE.test(input) && !this.#contains(joined)) {
      // The message must not contain the path: it may hold personal data.
      throw new TypeError(`the path leaves the base path of ${this.#prefix}`)
    }
    return joined
  }

  #contains(joined: string): boolean {
    // The prefix has no slash at its end, and no query.
    const inside = `${this.#prefix}/`
    const url = new URL(joined)
    const decoded = new URL(url.origin + url.pathname.replace(SLASHES, '/').replace(PARAMETERS, ''))
    return [url, decoded].every(
      ({ origin, pathname }) => origin + pathname === this.#prefix || `${origin}${pathname}`.startsWith(inside),
    )
  }
}

function parse(base: string | URL): URL | undefined {
  try {
    return new URL(base)
  } catch {
    return undefined
  }
}
