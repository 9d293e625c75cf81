import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requestLine } from './dashboard.ts'

/** What a name of a log may contain, and a page must show as it is. */
export const MARKUP = '<b>legacy</b> & "more"'
/** A name that no box can hold. */
export const LONG_NAME = 'payments-gateway-of-the-european-central-region-1-production'

/** Who calls whom: a chain, a circle, a service that calls itself, long names and markup. */
const CALLS: readonly (readonly [from: string, to: string])[] = [
  ['web', 'shop'],
  ['shop', 'inventory'],
  ['shop', LONG_NAME],
  ['inventory', 'stock'],
  ['stock', 'shop'],
  ['shop', 'shop'],
  [LONG_NAME, MARKUP],
]

/**
 * Writes the logs of a minute in which services call each other. Of the calls to `stock`, half fail; `inventory` has an open
 * breaker for it, and `shop` one for `mail`, which has no log.
 */
export async function writeCalls(folder: string): Promise<void> {
  const now = Date.now()
  const lines: string[] = []
  for (let second = 50; second > 0; second -= 1)
    for (const [from, to] of CALLS) {
      const timestamp = new Date(now - second * 1_000).toISOString()
      const ids = { timestamp, trace_id: `${from}-${to}-${second}` }
      const status_code = to === 'stock' && second % 2 === 0 ? 503 : 200
      const inner = { span_id: `i-${from}-${to}-${second}`, parent_span_id: `o-${from}-${to}-${second}` }
      lines.push(
        requestLine({ ...ids, ...inner, service: to, status_code, latency_ms: 4 + (second % 9) }),
        requestLine({ ...ids, service: from, span_id: inner.parent_span_id, latency_ms: 40 + second }),
      )
    }
  const change = { event: 'circuit_breaker.state_change', policy: 'circuitBreaker', status_code: undefined }
  lines.push(
    requestLine({ ...change, service: 'inventory', shield: 'stock', from: 'closed', to: 'open' }),
    requestLine({ ...change, service: 'shop', shield: 'mail', from: 'open', to: 'half-open' }),
    requestLine({ service: 'alone' }),
  )
  await writeFile(join(folder, 'all.jsonl'), lines.join(''))
}
