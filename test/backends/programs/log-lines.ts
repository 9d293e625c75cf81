// Logs lines of a request to a file, and ships them if there is a URL. Prints what that costs, as JSON.
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { LogShipper } from 'escudo/log-shipper'
import { createLogger } from 'escudo/pino'

const [file = '', count = '0', perSecond = '0', url] = process.argv.slice(2)
const WAITING_MAX = 20_000
const AT_ONCE = 200

const shipper = url === undefined ? undefined : new LogShipper({ url })
const log = createLogger({ service: 'lines', env: 'test', stdout: false, file, sink: shipper ?? [] })
const line = (n: number): object => ({
  n,
  method: 'GET',
  route: '/product-details/:id',
  path: '/product-details/mana-potion',
  status_code: 200,
  latency_ms: n % 1_000,
  trace_id: `0af7651916cd43dd8448eb2${String(n).padStart(9, '0')}`,
})

// The first lines load and compile.
for (let n = 0; n < 2_000; n += 1) log.info(line(n), 'warm_up')
await shipper?.flush()
const startedMs = performance.now()
const cpu = process.cpuUsage()
for (let n = 0; n < Number(count); n += 1) {
  log.info(line(n), 'http.request')
  if (n % AT_ONCE !== 0) continue
  const isAhead = (): boolean =>
    (shipper?.linesWaiting ?? 0) > WAITING_MAX ||
    (Number(perSecond) > 0 && (n / Number(perSecond)) * 1_000 > performance.now() - startedMs)
  await setImmediate()
  // Idle, because its processor time is measured.
  while (isAhead()) await delay(1)
}
await shipper?.flush('60s')
log.flush()
const { user, system } = process.cpuUsage(cpu)
const { linesShipped: shipped = 0, linesLost: lost = 0 } = shipper ?? {}
const wallMs = performance.now() - startedMs
process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1_000, wallMs, shipped, lost }))
