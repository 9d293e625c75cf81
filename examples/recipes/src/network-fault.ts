// Errors of Node.js sockets and of escudo itself. They are the same for every dependency.
import { isRefusal } from 'escudo'
import type { Fault } from './fault.ts'

/** These codes occur only before a connection exists, so nothing has been sent. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])
/** These occur before and after the request was sent. `syscall` distinguishes the two. */
const NETWORK = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
])

/** Returns what an error of the network or of escudo means; undefined for any other error. */
export function networkFault(error: unknown): Fault | undefined {
  if (!(error instanceof Error)) return undefined
  // This attempt did not reach the operation. An earlier one may have: see faultOfCall.
  if (isRefusal(error)) return 'transient'
  const { code, syscall } = error as NodeJS.ErrnoException
  // The timeout of an attempt. It does not tell whether the work was done.
  if (code === 'TIMEOUT') return 'unknown'
  if (code === undefined) return undefined
  if (NEVER_CONNECTED.has(code)) return 'transient'
  if (!NETWORK.has(code)) return undefined
  if (syscall === 'connect') return 'transient'
  // With several addresses per name, Node.js tries each one and throws all errors together.
  const isUnconnected = error instanceof AggregateError && error.errors.every(({ syscall }) => syscall === 'connect')
  return isUnconnected ? 'transient' : 'unknown'
}
