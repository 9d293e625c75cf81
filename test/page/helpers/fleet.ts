import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requestLine } from './dashboard.ts'

const SECOND_MS = 1_000

/** The services of the fleet: a shop that users call, the inventory behind it, and others. */
const FLEET: readonly string[] = [
  'shop',
  'inventory',
  ...Array.from({ length: 28 }, (_, number) => `service-${String(number + 1).padStart(2, '0')}`),
]

/** How a fleet is doing at one moment. */
export interface Moment {
  /** The share of calls to the inventory that fail. */
  readonly failing?: number
  /** Whether the shop hides failures of the inventory behind a fallback. */
  readonly isHidden?: boolean
  /** Milliseconds that the inventory takes. */
  readonly inventoryMs?: number
}

let sent = 0

/** Writes one second of logs of a fleet, one file for each service. */
export async function writeSecond(folder: string, at: number, moment: Moment = {}): Promise<void> {
  const texts = new Map(FLEET.map((service) => [service, '']))
  const add = (service: string, line: string): void => {
    texts.set(service, `${texts.get(service)}${line}`)
  }
  for (let request = 0; request < 4; request += 1) {
    sent += 1
    addOrder(add, at + request * 200, moment)
  }
  for (const [index, service] of FLEET.slice(2).entries()) {
    sent += 1
    const fields = { service, timestamp: iso(at + index), trace_id: `t${sent}`, span_id: `s${sent}` }
    add(service, requestLine({ ...fields, path: `/things/${1_000 + (sent % 50)}`, latency_ms: 3 + (sent % 17) }))
    if (sent % 40 === 0)
      add(service, requestLine({ ...fields, path: '/things/9', status_code: 404, error_code: 'THING_NOT_FOUND' }))
  }
  for (const [service, text] of texts) await appendFile(join(folder, `${service}.jsonl`), text)
}

/** Writes several seconds of logs. */
export async function writeSpan(folder: string, from: number, to: number, moment: Moment = {}): Promise<void> {
  for (let at = from; at < to; at += SECOND_MS) await writeSecond(folder, at, moment)
}

type Add = (service: string, line: string) => void

/** A user orders: the shop calls the inventory. */
function addOrder(add: Add, at: number, { failing = 0, isHidden = false, inventoryMs = 9 }: Moment): void {
  const ids = { trace_id: `trace-${sent}`, timestamp: iso(at) }
  const isFailed = (sent * 7) % 10 < failing * 10
  const error = { log_level: 'error', status_code: 503, error_code: 'DATABASE_DOWN', error_kind: 'technical' }
  const inner = { ...ids, service: 'inventory', span_id: `i${sent}`, parent_span_id: `o${sent}`, method: 'GET' }
  const path = `/stock/${100 + (sent % 30)}`
  if (isFailed) {
    const detail = `no connection to 10.0.0.${sent % 9} after ${2_000 + (sent % 7)} ms`
    add('inventory', requestLine({ ...inner, ...error, event: 'http_error', path, detail }))
  }
  add('inventory', requestLine({ ...inner, path, latency_ms: inventoryMs + (sent % 5), ...(isFailed ? error : {}) }))
  const outer = { ...ids, timestamp: iso(at + 20), service: 'shop', span_id: `o${sent}`, method: 'POST' }
  if (isFailed && isHidden)
    add(
      'shop',
      requestLine({
        ...ids,
        service: 'shop',
        event: 'fallback',
        log_level: 'warning',
        shield: 'inventory',
        status_code: undefined,
        error_type: 'UpstreamError',
        error_message: 'the inventory answered 503',
      }),
    )
  const failed = { log_level: 'error', status_code: 502, error_code: 'UPSTREAM_ERROR', error_kind: 'technical' }
  add(
    'shop',
    requestLine({
      ...outer,
      path: `/orders/${sent}`,
      latency_ms: inventoryMs + 8 + (sent % 9),
      ...(isFailed ? (isHidden ? { degraded: true } : failed) : {}),
    }),
  )
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
