// RFC 9112, 3.2 and RFC 3986, 3.2.2: a name, an IPv4 address or an IP literal, and a port.
const NAME = "(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+"
const LITERAL = "\\[(?:[0-9a-f:.]{2,45}(?:%25[a-z0-9._~-]+)?|v[0-9a-f]+\\.[a-z0-9._~!$&'()*+,;=:-]+)\\]"
const HOST = new RegExp(`^(?:${NAME}|${LITERAL})(?::\\d{0,5})?$`, 'i')

// Most requests have the host of the request before.
let lastValid: string | undefined

/**
 * Whether the value of a Host header is valid. RFC 9112, 3.2: an invalid one is answered with 400.
 *
 * An application that puts it into a link would put `a b<script>` there too.
 */
export function isValidHost(host: string): boolean {
  if (host === lastValid) return true
  if (host.length > 512 || !HOST.test(host)) return false
  lastValid = host
  return true
}
