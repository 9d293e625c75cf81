/** The start of an absolute URL up to its path. The parser reads it alike, whatever follows it. */
const START = /^https?:\/\/[^/\\?#\s]+\//

/**
 * The origin of the URLs that begin as an earlier one.
 *
 * Most clients call one origin, and most calls need no more of their URL: `fetch` parses it anyway. What follows an
 * origin and its slash cannot make a URL invalid.
 */
export class KnownOrigin {
  #start: string | undefined
  #origin = ''

  /** Returns the origin of a URL; undefined if it must be parsed. */
  of(url: string): string | undefined {
    return this.#start !== undefined && url.startsWith(this.#start) ? this.#origin : undefined
  }

  /** Learns the origin of a URL that is valid and has no user or password. */
  learn(url: string, origin: string): void {
    const start = START.exec(url)?.[0]
    if (start === undefined) return
    this.#start = start
    this.#origin = origin
  }
}
