import { joinHeader } from '../headers.ts'

/** The headers of a request, with names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Whether a request may act: it does not come from a page of another origin.
 *
 * - `Sec-Fetch-Site`: browsers send it, and no page can set it. Another site and another host of the same site are
 *   refused.
 * - `Origin`: older browsers send it at least with every `POST`. It must be that of the request itself.
 * - `Host`: by DNS rebinding, a page of `evil.example` reaches a service as `http://evil.example`, which is its own
 *   origin. So the host must be a name that the service knows: an address, `localhost`, or one of `hosts`.
 *
 * @param hosts in lower case, with or without a port
 */
export function isOwnOrigin(headers: RequestHeaders, hosts: readonly string[]): boolean {
  const host = (joinHeader(headers['host']) ?? joinHeader(headers[':authority']))?.toLowerCase()
  if (host === undefined || !isKnownHost(host, hosts)) return false
  const site = joinHeader(headers['sec-fetch-site'])
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const origin = joinHeader(headers['origin'])
  return origin === undefined || isOriginOf(origin, host)
}

function isKnownHost(host: string, hosts: readonly string[]): boolean {
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '')
  // The name of an address is the address: no DNS server can point it elsewhere.
  if (/^\[[\da-f:.]+\]$/.test(name) || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name)) return true
  return name === 'localhost' || name.endsWith('.localhost') || hosts.includes(name) || hosts.includes(host)
}

/** Compares hosts and ports. A proxy in front of the service may have changed the scheme. */
function isOriginOf(origin: string, host: string): boolean {
  // `null` is the origin of a sandboxed page. No URL: it is refused too.
  if (!/^https?:\/\/[^/?#@\s]+$/i.test(origin)) return false
  const own = `${origin.slice(0, origin.indexOf(':'))}://${host}`
  return URL.canParse(origin) && URL.canParse(own) && new URL(origin).host === new URL(own).host
}
