import { reportOnce } from '../core/events/events.ts'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import type { ErrorContract } from '../errors/contract/contract.ts'
import { synchronous } from '../errors/options/synchronous.ts'

// Loopback, private (RFC 1918, RFC 4193) and link-local addresses. IPv4 also in its IPv6-mapped form.
const PRIVATE_V4 = /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)/
const PRIVATE_V6 = /^(?:::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i
const MAPPED = /^::ffff:(?=\d+\.)/i

// Most requests come from the peer of the request before, such as a proxy.
let lastAddress: string | undefined
let isLastPrivate = false

/** Whether an address is local or in a private network. Without an address, the peer is a local socket. */
export function isPrivateAddress(address: string | undefined): boolean {
  if (address === undefined || address === '') return true
  if (address !== lastAddress) {
    isLastPrivate = isPrivate(address)
    lastAddress = address
  }
  return isLastPrivate
}

function isPrivate(address: string): boolean {
  const unmapped = address.replace(MAPPED, '')
  return PRIVATE_V4.test(unmapped) || PRIVATE_V6.test(unmapped)
}

/** Whether the trace of a peer is continued. A rule that throws trusts no peer. */
export function isTrusted(rule: ErrorContract['trustInbound'], address: string | undefined): boolean {
  if (rule === undefined) return isPrivateAddress(address)
  if (typeof rule === 'boolean') return rule
  try {
    return synchronous(rule(address ?? ''), 'createErrorContract.trustInbound') === true
  } catch (error) {
    // Only a promise is reported: a rule that throws has decided.
    if (error instanceof ConfigurationError) reportOnce(rule, error, 'createErrorContract.trustInbound')
    return false
  }
}
