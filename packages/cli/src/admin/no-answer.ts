/** What a user must know whose action has got no answer, or only that of a proxy. */
export const MAY_BE_DONE = 'The action may have been done: see escudo status'

// The request has not left this machine, or has not reached the service. Any other error may come after it.
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
  'UND_ERR_CONNECT_TIMEOUT',
  // `fetch` refuses it. It has no code.
  'bad port',
])
/** The handshake has failed: a certificate that is not known, or a service without TLS. */
const NO_HANDSHAKE = /CERT|TLS|SSL|UNABLE_TO_|HOSTNAME_MISMATCH/

/** What an error of `fetch` means: why there is no answer, and whether the service may have got the request. */
export function broughtNoAnswer(error: unknown): { readonly reason: string; readonly mayBeDone: boolean } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown }
  const what = typeof code === 'string' ? code : String(message)
  const mayBeDone = !NOT_CONNECTED.has(what) && !NO_HANDSHAKE.test(what)
  return { reason: `${mayBeDone ? 'the connection ended' : 'no connection'}: ${what}`, mayBeDone }
}
