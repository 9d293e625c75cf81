import type { IncomingMessage } from 'node:http'

/** Writes the scheme of an absolute request target in lower case. Routers and libraries know it only so. */
export function lowerScheme(request: IncomingMessage): void {
  if (request.url?.startsWith('/') === false) {
    request.url = request.url.replace(/^https?:/i, (scheme) => scheme.toLowerCase())
  }
}
