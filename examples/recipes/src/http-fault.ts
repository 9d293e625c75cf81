// What the errors of a client from `escudo/http` with `errors: 'throw'` mean.
import { UpstreamError, type UpstreamFailure } from 'escudo/http'
import type { Fault } from './fault.ts'
import { networkFault } from './network-fault.ts'

/** The meaning of single statuses. They take precedence over their class. */
const STATUSES: Readonly<Record<number, Fault>> = {
  401: 'never', // the credentials of this service are wrong
  403: 'never', // or may not do this
  407: 'never', // the same, at a proxy
  408: 'transient', // the server did not receive the whole request in time
  421: 'transient', // the connection leads to the wrong server; another connection does not
  425: 'transient', // the server did not want to run it this early
  429: 'transient', // rate limited: not executed
  501: 'never', // the server does not implement it
  503: 'transient', // overloaded or in maintenance: not executed
  505: 'never', // the server does not speak this version of HTTP
  507: 'never', // no space left
  508: 'never', // an endless loop
  511: 'never', // a login at the network is missing
}

/** The meaning of failures without a response. */
const FAILURES: Readonly<Record<Exclude<UpstreamFailure, 'status'>, Fault>> = {
  refused: 'transient', // no connection, so nothing was sent
  dns: 'transient',
  tls: 'never', // a certificate must be fixed
  reset: 'unknown',
  network: 'unknown',
  body: 'unknown', // executed, and the answer ended early
  timeout: 'unknown',
}

/** Returns what an error of a request means. An error that is not known is `never`, the safe answer. */
export function httpFault(error: unknown): Fault {
  if (!(error instanceof UpstreamError)) return networkFault(error) ?? 'never'
  if (error.failure !== 'status') return FAILURES[error.failure]
  const { status = 0 } = error
  // 500, 502 and 504 do not tell whether the request was executed before it failed.
  return STATUSES[status] ?? (status >= 500 ? 'unknown' : 'caller')
}
