import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

const BATCH = 2_000
const SERVICES = ['potion-shop', 'product-service', 'inventory-service', 'flaky-service']

/** Writes `lines` lines of about 300 bytes, one per millisecond up to now, four per trace. */
export async function writeLog(path: string, lines: number): Promise<void> {
  await write(path, lines, logLine)
}

/** Writes the same requests as a web server's access log. */
export async function writeAccessLog(path: string, lines: number): Promise<void> {
  await write(path, lines, accessLine)
}

async function write(path: string, lines: number, lineOf: (number: number, at: number) => string): Promise<void> {
  const file = createWriteStream(path)
  const start = Date.now() - lines
  for (let first = 0; first < lines; first += BATCH) {
    let text = ''
    for (let at = first; at < Math.min(first + BATCH, lines); at += 1) text += lineOf(at, start + at)
    if (!file.write(text)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

/** Returns the trace of a line. */
export function traceOf(number: number): string {
  const trace = (BigInt(number >>> 2) * 0x9e3779b97f4a7c15f39cc0605cedc835n) & ((1n << 128n) - 1n)
  return trace.toString(16).padStart(32, '0')
}

/** Returns the latency of a line in milliseconds. */
export function latencyOf(number: number): number {
  return ((number * 7919) % 20_000) / 100
}

function accessLine(number: number, at: number): string {
  const [, month, day, year, clock] = /^\w+ (\w+) (\d+) (\d+) ([\d:]+)/.exec(new Date(at).toString()) ?? []
  const status = number % 50 === 0 ? 502 : 200
  return `10.0.0.${number % 250} - - [${day}/${month}/${year}:${clock} +0000] "GET /items/item${number % 997} HTTP/1.1" ${status} 512 "-" "${SERVICES[number & 3]}"\n`
}

/** Returns one line in the format of the shop. */
export function logLine(number: number, at: number): string {
  const failed = number % 50 === 0
  const tail = failed ? ',"error_code":"UPSTREAM_ERROR","error_kind":"technical"' : ''
  return `{"log_level":"info","timestamp":"${new Date(at).toISOString()}","service":"${SERVICES[number & 3]}","trace_id":"${traceOf(number)}","span_id":"${(number + 1).toString(16).padStart(16, '0')}","method":"GET","route":"/items/:id","path":"/items/item${number % 997}","status_code":${failed ? 502 : 200},"latency_ms":${latencyOf(number)}${tail},"event":"http.request"}\n`
}
