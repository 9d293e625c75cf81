// The members of a RequestInit. They are read one by one because `init` may be a Request, whose getters a spread misses.
const INIT_KEYS = [
  'cache',
  'credentials',
  'integrity',
  'keepalive',
  'mode',
  'priority',
  'redirect',
  'referrer',
  'referrerPolicy',
  'dispatcher',
] as const

/** Reads the members of `init` except its body and its signal. */
export function readInit(init: RequestInit): RequestInit {
  const read: Record<string, unknown> = {}
  for (const key of INIT_KEYS) {
    const value = (init as Record<string, unknown>)[key]
    if (value !== undefined) read[key] = value
  }
  const { method, headers } = init
  if (method !== undefined) read['method'] = method
  if (headers !== undefined) read['headers'] = headers
  return read as RequestInit
}
