import type { IncomingMessage } from 'node:http'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { isValidHost } from '../host.ts'
import { URL_LENGTH_MAX } from '../target-error.ts'

/**
 * The error of a request that is rejected before it reaches a route; undefined if there is none.
 *
 * @param isClosing whether the server takes no more requests
 */
export function earlyError(
  { url, headers, httpVersion, rawHeaders }: Pick<IncomingMessage, 'url' | 'headers' | 'httpVersion' | 'rawHeaders'>,
  isClosing: boolean,
): Error | undefined {
  if (isClosing) return new WellKnown.SHUTTING_DOWN()
  const { host } = headers
  // HTTP/1.1 requires a Host header.
  if (host === undefined ? httpVersion === '1.1' : !isValidHost(host)) return new WellKnown.BAD_REQUEST()
  if (countHosts(rawHeaders) > 1) return new WellKnown.BAD_REQUEST()
  if ((url?.length ?? 0) > URL_LENGTH_MAX) return new WellKnown.URI_TOO_LONG()
  // Node also accepts `ftp://host/path`, whose path some frameworks would serve.
  if (url !== undefined && !url.startsWith('/') && !isTarget(url)) return new WellKnown.BAD_REQUEST()
  return undefined
}

/** Whether a request target without a path is valid: that of `OPTIONS *`, or an absolute URL, as proxies get it. */
function isTarget(url: string): boolean {
  return url === '*' || (/^https?:\/\//i.test(url) && URL.canParse(url))
}

/** Counts the Host headers of a request. With two of them, a proxy and this server could read different hosts. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}
