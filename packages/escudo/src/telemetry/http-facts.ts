// Names of HTTP for metrics and spans, after OpenTelemetry's semantic conventions.

const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
])

/** The known methods. A client can send any other text as method: it becomes `_OTHER`, as in the conventions. */
export function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER'
}

/** The host of a URL. An IPv6 address is without its brackets, which are URL syntax. */
export function addressOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** The port of a URL. Undefined without a host: a dispatcher may know its origin and not tell it. */
export function portOf({ hostname, port, protocol }: URL): string | undefined {
  if (hostname === '') return undefined
  if (port !== '') return port
  return protocol === 'https:' ? '443' : '80'
}
