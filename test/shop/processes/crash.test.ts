import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLog } from '../helpers/logs.ts'
import { until } from '../helpers/processes.ts'
import { connectTo } from '../helpers/raw.ts'
import { ask, listening } from '../helpers/requests.ts'
import { startShop } from '../helpers/shop.ts'
import { cleanUp, pidsOf, type System, startSystem } from '../helpers/system.ts'
import { NAMES } from '../helpers/target.ts'

// 4.1d: an uncaught error ends the process gracefully, and the supervisor starts it again.

const THROW_ON_SIGNAL = `--import=${new URL('../helpers/throw-on-signal.ts', import.meta.url).href}`
/** An incomplete request: it stays in flight until the connection is closed. */
const ENDLESS = 'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'

let system: System

beforeAll(async () => {
  system = await startSystem({ NODE_OPTIONS: THROW_ON_SIGNAL })
})
afterAll(cleanUp)

const critical = (line: Readonly<Record<string, unknown>>): boolean => line['log_level'] === 'critical'

async function untilRestarted(name: (typeof NAMES)[number], before: number): Promise<void> {
  await until(`${name} to restart`, async () => {
    if (pidsOf(system.supervisor)[name] === before) return false
    const answer = await ask(system, name, '/healthz').catch(() => undefined)
    return answer?.status === 200
  })
}

test('4.1d: answers requests in flight, accepts no new ones, exits 1, restarts within 5 s', async () => {
  const { 'potion-shop': before, ...others } = pidsOf(system.supervisor)
  const port = system.ports['potion-shop']
  const slow = ask(system, 'potion-shop', '/lento')
  const half = await connectTo(port)
  half.send('GET /items/item1 HTTP/1.1\r\nHost: x\r\n')
  await delay(200)

  const crash = await ask(system, 'potion-shop', '/crash-demo', { method: 'POST' })
  const crashedAt = performance.now()
  expect(crash.status).toBe(202)
  await until('the port to refuse connections', async () => !(await listening(port)), 500)

  await delay(150)
  // A request that is still being sent gets an answer too, and the answer closes the connection.
  half.send('\r\n')
  await half.closed
  expect(half.received()).toMatch(/^HTTP\/1\.1 503 /)
  expect(half.received()).toContain('"error_code":"SHUTTING_DOWN"')
  expect(half.received().toLowerCase()).toContain('\r\nconnection: close\r\n')

  const answered = await slow
  expect([answered.status, answered.headers.get('connection')]).toEqual([200, 'close'])

  await untilRestarted('potion-shop', before)
  expect(performance.now() - crashedAt).toBeLessThan(5_000)
  expect((await ask(system, 'potion-shop', '/items/item1')).status).toBe(200)
  expect(system.supervisor.stdout()).toContain('potion-shop died (exit code 1); starting it again in 500 ms')
  expect(system.supervisor.stdout()).toMatch(/potion-shop started again, process \d+/)
  const { 'potion-shop': _again, ...othersNow } = pidsOf(system.supervisor)
  expect(othersNow).toEqual(others)

  const lines = await readLog(system, 'potion-shop')
  expect(lines.filter(critical)).toEqual([
    expect.objectContaining({
      event: 'process.crash',
      service: 'potion-shop',
      // The crash has the trace of the request that caused it, although that request had already ended.
      trace_id: crash.headers.get('x-trace-id'),
      origin: 'unhandledRejection',
      error_type: 'Error',
      error_message: 'simulated crash: an unhandled rejection',
      error_stack: expect.stringContaining('crash-demo.ts'),
    }),
  ])
  const ended = lines.find((line) => line['event'] === 'http.request' && line['path'] === '/lento')
  expect(ended).toMatchObject({ status_code: 200, trace_id: answered.headers.get('x-trace-id') })
})

test('4.1d: all five processes, including the dashboard, crash this way and restart', async () => {
  const before = pidsOf(system.supervisor)
  const crashedAt = performance.now()
  for (const name of NAMES) process.kill(before[name], 'SIGUSR2')
  await Promise.all(NAMES.map((name) => untilRestarted(name, before[name])))
  expect(performance.now() - crashedAt).toBeLessThan(10_000)
  for (const name of NAMES) {
    expect(system.supervisor.stdout()).toContain(`${name} died (exit code 1)`)
    const crashes = (await readLog(system, name)).filter(
      (line) => critical(line) && line['origin'] !== 'unhandledRejection',
    )
    expect(crashes.map((line) => [line['event'], line['service'], line['origin']])).toEqual([
      ['process.crash', name, 'uncaughtException'],
    ])
    expect(crashes[0]?.['error_stack']).toContain('throw-on-signal.ts')
  }
})

test('4.1d: answers requests that are unread on keep-alive connections when it crashes', async () => {
  const shop = await startShop()
  const GET = 'GET /items/item1 HTTP/1.1\r\nHost: x\r\n\r\n'
  const answers = ({ received }: { readonly received: () => string }): number =>
    received().split('HTTP/1.1 200 ').length - 1
  const crashing = await connectTo(shop.port)
  const connections = await Promise.all(Array.from({ length: 50 }, () => connectTo(shop.port)))
  for (const connection of connections) connection.send(GET)
  await until('the first answers', () => connections.every((connection) => answers(connection) === 1))
  // While the process is stopped, the requests queue in its sockets: first the crash, then the others.
  shop.process.send('SIGSTOP')
  crashing.send('POST /crash-demo HTTP/1.1\r\nHost: x\r\n\r\n')
  await delay(50)
  for (const connection of connections) connection.send(GET)
  await delay(50)
  shop.process.send('SIGCONT')
  await Promise.all(connections.map(({ closed }) => closed))
  expect(connections.map(answers)).toEqual(Array.from({ length: 50 }, () => 2))
  // This test does not check which answers have `Connection: close`: the process crashes once the answer to the crash
  // request is sent, and it may read other requests before that. The first test checks the header after a crash.
  expect(await shop.process.exit).toEqual({ code: 1, signal: null })
  const lines = await shop.lines()
  expect(lines.filter(critical)).toHaveLength(1)
  expect(lines.filter((line) => line['path'] === '/items/item1' && line['event'] === 'http.request')).toHaveLength(100)
})

// Each of these two tests takes five seconds, so they run concurrently.
test.concurrent('4.1d: aborts requests after 5 s; further crashes in that time do not loop', async () => {
  const shop = await startShop({ NODE_OPTIONS: THROW_ON_SIGNAL })
  const endless = await connectTo(shop.port)
  endless.send(ENDLESS)
  await delay(100)
  const crashedAt = performance.now()
  process.kill(shop.process.pid, 'SIGUSR2')
  expect(await shop.process.exit).toEqual({ code: 1, signal: null })
  const ms = performance.now() - crashedAt
  expect(ms).toBeGreaterThan(4_900)
  expect(ms).toBeLessThan(6_000)
  await endless.closed

  const lines = await shop.lines()
  expect(lines.filter(critical)).toHaveLength(1)
  const again = lines.filter((line) => line['event'] === 'process.crash_again')
  expect(again).toHaveLength(5)
  expect(new Set(again.map((line) => line['log_level']))).toEqual(new Set(['error']))
  // The aborted request still has its log line.
  expect(lines.filter((line) => line['path'] === '/orders' && line['event'] === 'http.request')).toHaveLength(1)
})

test.concurrent('4.1d: a crash while stopping exits 1; a stop after a crash shortens the wait', async () => {
  const [stopping, crashing] = await Promise.all([
    startShop({ NODE_OPTIONS: THROW_ON_SIGNAL }),
    startShop({ NODE_OPTIONS: THROW_ON_SIGNAL }),
  ])
  const connections = await Promise.all([connectTo(stopping.port), connectTo(crashing.port)])
  for (const connection of connections) connection.send(ENDLESS)
  await delay(100)
  stopping.process.send('SIGTERM')
  process.kill(crashing.process.pid, 'SIGUSR2')
  await until('the crash', async () => (await crashing.lines()).some(critical))
  process.kill(stopping.process.pid, 'SIGUSR2')
  const signalledAt = performance.now()
  crashing.process.send('SIGTERM')
  expect(await crashing.process.exit).toEqual({ code: 1, signal: null })
  // A stop allows half a second less than a crash, because the supervisor kills the process after 5 s.
  expect(performance.now() - signalledAt).toBeLessThan(4_900)
  expect(await stopping.process.exit).toEqual({ code: 1, signal: null })
})
