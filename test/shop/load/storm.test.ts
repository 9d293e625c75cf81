import { seededRandom } from 'escudo'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, counted, formProblem, quantile } from '../helpers/form.ts'
import { readLog } from '../helpers/logs.ts'
import { type ProbedShop, startProbedShop } from '../helpers/probed.ts'
import { endAll, isAlive, type Running, until } from '../helpers/processes.ts'
import { askPort, posting } from '../helpers/requests.ts'
import { DEPENDENCIES } from '../helpers/restore.ts'
import { SERVICES, type Services, services } from '../helpers/services.ts'
import { StormClient, type StormRequest } from '../helpers/storm-client.ts'
import { drawFault, drawRequest, pick } from '../helpers/storm-mix.ts'
import { cleanUp } from '../helpers/system.ts'
import type { WireAnswer } from '../helpers/wire.ts'

// Ten thousand random requests, valid and invalid, for all routes, while faults in the dependencies come and go.
// ESCUDO_STORM_SEED repeats the same requests. The order in which they meet the faults depends on the scheduler.

const SEED = Number(process.env['ESCUDO_STORM_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
const REQUESTS = 10_000
/** After this many requests, all lazy initialization is done. */
const WARM_UP = 2_000
const CONCURRENCY = 50
const GROWTH_MAX = 0.1
const FAULT_EVERY_MS = 250

let all: Services
let shop: ProbedShop
let client: StormClient
let dependencies: readonly Running[]
const answered: { readonly traceId: string; readonly status: number; readonly what: string; readonly ms: number }[] = []
/** The trace ids of clients that disconnected before the answer. */
const disconnected: string[] = []
const problems: string[] = []

beforeAll(async () => {
  all = await services({ ESCUDO_SEED: String(SEED), ESCUDO_ENTRIES_MAX: '300' })
  dependencies = await Promise.all(DEPENDENCIES.map((name) => all.start(name)))
  shop = await startProbedShop(all)
  client = new StormClient(all.ports['potion-shop'], CONCURRENCY)
})
afterAll(async () => {
  client.close()
  await shop.stop()
  await endAll()
  await cleanUp()
})

/**
 * Sends the requests with the numbers from `from` to before `to`, `CONCURRENCY` at a time.
 *
 * Each request depends only on the seed and its number.
 */
async function storm(from: number, to: number): Promise<void> {
  let next = from
  const worker = async (): Promise<void> => {
    while (next < to) {
      const index = next
      next += 1
      await one(index)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

async function one(index: number): Promise<void> {
  const draw = seededRandom(SEED + Math.imul(index + 1, 0x9e37_79b1))
  const wanted = drawRequest(draw)
  // Most requests have their own trace id, so that the log line of a client that disconnects can be found.
  const ownTraceId = `5${index.toString(16).padStart(31, '0')}`
  const sendsTrace = wanted.bytes === undefined && (wanted.disconnectsAfterMs !== undefined || draw() < 0.7)
  const traceparent = sendsTrace ? { traceparent: `00-${ownTraceId}-00f067aa0ba902b7-01` } : {}
  const started = performance.now()
  try {
    const answer = await client.send({ ...wanted, headers: { ...wanted.headers, ...traceparent } })
    if (answer === undefined) {
      disconnected.push(ownTraceId)
      return
    }
    const traceId = answer.headers.get('x-trace-id') ?? ''
    const problem =
      problemOf(wanted, answer) ??
      (sendsTrace && isRead(answer) && traceId !== ownTraceId ? 'another trace' : undefined)
    if (problem !== undefined) problems.push(`${index}: ${describeRequest(wanted)}: ${answer.status}: ${problem}`)
    const what = `${answer.status} ${codeOf(answer) ?? ''}`.trim()
    answered.push({ traceId, status: answer.status, what, ms: performance.now() - started })
  } catch (error) {
    problems.push(`${index}: ${describeRequest(wanted)}: ${error}`)
  }
}

/** Returns whether the shop could read the head of the request, which contains its trace. */
function isRead({ status }: WireAnswer): boolean {
  return status !== 431
}

function problemOf(
  { method, headers }: StormRequest,
  { status, headers: answerHeaders, text }: WireAnswer,
): string | undefined {
  if (status >= 400 && method === 'HEAD') return text === '' ? undefined : 'a body for HEAD'
  if (headers['accept'] === undefined) return formProblem({ status, headers: answerHeaders, text })
  // A problem as in RFC 9457, extended with the six keys of the common form.
  const type = answerHeaders.get('content-type')
  if (type !== 'application/problem+json') return `content-type ${type}`
  const problem = JSON.parse(text) as Record<string, unknown>
  return problem['trace_id'] === answerHeaders.get('x-trace-id') && problem['status'] === status ? undefined : text
}

function describeRequest({ method, path, bytes }: StormRequest): string {
  return bytes === undefined ? `${method} ${path.slice(0, 80)}` : JSON.stringify(bytes.slice(0, 80))
}

/** Changes the faults of the dependencies at random. The returned function stops this and removes all faults. */
function startFaultChanges(): () => Promise<void> {
  const draw = seededRandom(SEED)
  let changes = 0
  const change = async (): Promise<void> => {
    const name = pick(draw, DEPENDENCIES)
    await askPort(all.ports[name], '/__faults', posting(drawFault(draw), 'PUT'))
    changes += 1
  }
  let last: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    last = last.then(change)
  }, FAULT_EVERY_MS)
  return async () => {
    clearInterval(timer)
    await last
    await Promise.all(DEPENDENCIES.map((name) => askPort(all.ports[name], '/__faults', { method: 'DELETE' })))
    expect(changes).toBeGreaterThan(3)
  }
}

test(`${REQUESTS} requests in a storm (ESCUDO_STORM_SEED=${SEED})`, { timeout: 120_000 }, async () => {
  const started = performance.now()
  const stopFaultChanges = startFaultChanges()
  await storm(0, WARM_UP)
  const warm = await shop.probe()
  await storm(WARM_UP, REQUESTS)
  const end = await shop.probe()
  const seconds = (performance.now() - started) / 1_000
  await stopFaultChanges()

  const mb = (bytes: number): string => `${(bytes / 1_048_576).toFixed(2)} MB`
  const growth = end.heapUsed / warm.heapUsed - 1
  const took = answered.map(({ ms }) => ms)
  console.log(
    [
      `seed ${SEED}: ${answered.length} answers and ${disconnected.length} clients that disconnected, in ${seconds.toFixed(1)} s`,
      `median ${quantile(took, 0.5).toFixed(1)} ms, 99th percentile ${quantile(took, 0.99).toFixed(0)} ms, slowest ${Math.max(...took).toFixed(0)} ms`,
      counted(answered.map(({ what }) => what)),
      `heap ${mb(warm.heapUsed)} after ${WARM_UP}, ${mb(end.heapUsed)} after ${REQUESTS}: ${(growth * 100).toFixed(1)} %`,
      `of it data ${mb(warm.data)}, then ${mb(end.data)}; resident ${mb(warm.rss)}, then ${mb(end.rss)}`,
      `resources ${JSON.stringify(warm.resources)} then ${JSON.stringify(end.resources)}`,
    ].join('\n'),
  )

  expect(problems.slice(0, 20)).toEqual([])
  expect(answered.length + disconnected.length).toBe(REQUESTS)
  expect(growth).toBeLessThan(GROWTH_MAX)
  expect(end.data / warm.data - 1).toBeLessThan(GROWTH_MAX)
  // The requests covered the whole range of outcomes.
  const codes = new Set(answered.map(({ what }) => what.split(' ')[1]))
  for (const code of [
    'INTERNAL_SERVER_ERROR',
    'UPSTREAM_ERROR',
    'UPSTREAM_UNAVAILABLE',
    'CIRCUIT_OPEN',
    'VALIDATION_ERROR',
  ]) {
    expect(codes).toContain(code)
  }
  expect(new Set(answered.map(({ status }) => status)).size).toBeGreaterThan(15)
})

test('each request has exactly one http.request line, with the status of its answer', async () => {
  const lines = (await readLog(all, 'potion-shop')).filter((line) => line['event'] === 'http.request')
  const ofTrace = new Map<string, number[]>()
  for (const { trace_id, status_code } of lines) {
    const statuses = ofTrace.get(String(trace_id)) ?? []
    ofTrace.set(String(trace_id), [...statuses, Number(status_code)])
  }
  const wrong = answered.filter(({ traceId, status }) => String(ofTrace.get(traceId)) !== String(status))
  expect(wrong.slice(0, 10)).toEqual([])
  // Some clients disconnected before the shop had read their request.
  const lineCounts = disconnected.map((traceId) => ofTrace.get(traceId)?.length ?? 0)
  expect(lineCounts.every((count) => count <= 1)).toBe(true)
  expect(lineCounts.filter((count) => count === 1).length).toBeGreaterThan(disconnected.length / 2)
  // The only other lines are those of the health checks at the start.
  const others = lines.length - answered.length - lineCounts.reduce((sum, count) => sum + count, 0)
  expect(others).toBe(lines.filter(({ trace_id }) => !isOurs(String(trace_id))).length)
})

const ours = new Set<string>()
function isOurs(traceId: string): boolean {
  if (ours.size === 0) for (const id of [...answered.map((answer) => answer.traceId), ...disconnected]) ours.add(id)
  return ours.has(traceId)
}

test('no process exits, writes to stderr or crashes, and every log line is complete', async () => {
  expect([shop.hasEnded(), shop.stderr()]).toEqual([false, ''])
  for (const { pid, stderr } of dependencies) expect([isAlive(pid), stderr()]).toEqual([true, ''])
  for (const name of SERVICES) {
    // Each line is parsed as JSON, so an incomplete line would throw here.
    const lines = await readLog(all, name)
    // At the level info a dependency writes one line for each request that reaches it.
    expect(lines.length).toBeGreaterThan(20)
    expect(lines.filter((line) => line['log_level'] === 'critical')).toEqual([])
  }
})

test('afterwards all bulkhead permits are free and the pages are complete again', async () => {
  const { text } = await askPort(all.ports['potion-shop'], '/admin/shields', { headers: { 'x-token': 'admin123' } })
  const { shields } = JSON.parse(text) as { shields: { name: string; policies: Record<string, unknown>[] }[] }
  const bulkheads = shields.flatMap(({ policies }) => policies.filter(({ type }) => type === 'bulkhead'))
  expect(bulkheads).toHaveLength(3)
  for (const { inUse, queued } of bulkheads) expect([inUse, queued]).toEqual([0, 0])
  for (const name of ['external', 'products', 'inventory']) {
    const reset = {
      ...posting({ action: 'reset' }),
      headers: { 'content-type': 'application/json', 'x-token': 'admin123' },
    }
    expect((await askPort(all.ports['potion-shop'], `/admin/shields/${name}/circuitBreaker`, reset)).status).toBe(200)
  }
  const page = await until('a complete page', async () => {
    const { status, json } = await askPort(all.ports['potion-shop'], '/product-details/mana-potion')
    return status === 200 ? json : undefined
  })
  expect(page.inventory).toEqual({ stock: 42, status: 'Verificado' })
})
