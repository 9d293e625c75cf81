import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { until } from './helpers/processes.ts'
import { connectTo } from './helpers/raw.ts'
import { ask, listening } from './helpers/requests.ts'
import { endShops, startShop } from './helpers/shop.ts'
import { cleanUp, NAMES, pidsOf, readLog, type System, startSystem, stopSystem } from './helpers/system.ts'

// 4.1d: something is thrown that nobody catches. The process ends in order, and is started again.

const THROW_ON_SIGNAL = `--import=${new URL('./helpers/throw-on-signal.ts', import.meta.url).href}`
/** A request that never arrives whole: in flight for as long as it is let. */
const ENDLESS = 'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'

afterAll(async () => {
  await endShops()
  await cleanUp()
})

const critical = (line: Readonly<Record<string, unknown>>): boolean => line['log_level'] === 'critical'

async function untilBack(system: System, name: (typeof NAMES)[number], before: number): Promise<void> {
  await until(`the return of ${name}`, async () => {
    if (pidsOf(system.supervisor)[name] === before) return false
    const answer = await ask(system, name, '/healthz').catch(() => undefined)
    return answer?.status === 200
  })
}

test('4.1d: what is in flight is still answered, nothing new is taken, exit code 1, back within 5 s', async () => {
  const system = await startSystem()
  const { 'potion-shop': before, ...others } = pidsOf(system.supervisor)
  const port = system.ports['potion-shop']
  const slow = ask(system, 'potion-shop', '/lento')
  const half = await connectTo(port)
  half.send('GET /items/item1 HTTP/1.1\r\nHost: x\r\n')
  await delay(200)

  const crash = await ask(system, 'potion-shop', '/crash-demo', { method: 'POST' })
  const crashedAt = performance.now()
  expect(crash.status).toBe(202)
  await until('a port that refuses', async () => !(await listening(port)), 500)

  await delay(150)
  // A request that was still being sent gets an answer too, and with it the connection ends.
  half.send('\r\n')
  await half.closed
  expect(half.got()).toMatch(/^HTTP\/1\.1 503 /)
  expect(half.got()).toContain('"error_code":"SHUTTING_DOWN"')
  expect(half.got().toLowerCase()).toContain('\r\nconnection: close\r\n')

  const answered = await slow
  expect([answered.status, answered.headers.get('connection')]).toEqual([200, 'close'])

  await untilBack(system, 'potion-shop', before)
  expect(performance.now() - crashedAt).toBeLessThan(5_000)
  expect((await ask(system, 'potion-shop', '/items/item1')).status).toBe(200)
  expect(system.supervisor.stdout()).toContain('potion-shop died (exit code 1); starting it again in 500 ms')
  expect(system.supervisor.stdout()).toMatch(/potion-shop started again, process \d+/)
  const { 'potion-shop': _again, ...othersNow } = pidsOf(system.supervisor)
  expect(othersNow).toEqual(others)

  const lines = await readLog(system.logFolder, 'potion-shop')
  expect(lines.filter(critical)).toEqual([
    expect.objectContaining({
      event: 'process.crash',
      service: 'potion-shop',
      // The crash belongs to the request that caused it, though that was over already.
      trace_id: crash.headers.get('x-trace-id'),
      origin: 'unhandledRejection',
      error_type: 'Error',
      error_message: 'simulated crash: a promise that nobody catches',
      error_stack: expect.stringContaining('crash-demo.ts'),
    }),
  ])
  const ended = lines.find((line) => line['event'] === 'http.request' && line['path'] === '/lento')
  expect(ended).toMatchObject({ status_code: 200, trace_id: answered.headers.get('x-trace-id') })
  await stopSystem(system)
})

test('4.1d: all five processes go down that way, the dashboard too, and come back', async () => {
  const system = await startSystem({ NODE_OPTIONS: THROW_ON_SIGNAL })
  const before = pidsOf(system.supervisor)
  const crashedAt = performance.now()
  for (const name of NAMES) process.kill(before[name], 'SIGUSR2')
  await Promise.all(NAMES.map((name) => untilBack(system, name, before[name])))
  expect(performance.now() - crashedAt).toBeLessThan(10_000)
  for (const name of NAMES) {
    expect(system.supervisor.stdout()).toContain(`${name} died (exit code 1)`)
    const told = (await readLog(system.logFolder, name)).filter(critical)
    expect(told.map((line) => [line['event'], line['service'], line['origin']])).toEqual([
      ['process.crash', name, 'uncaughtException'],
    ])
    expect(told[0]?.['error_stack']).toContain('throw-on-signal.ts')
  }
  await stopSystem(system)
})

test('4.1d: requests that lie unread on kept connections when it crashes are answered as well', async () => {
  const shop = await startShop()
  const GET = 'GET /items/item1 HTTP/1.1\r\nHost: x\r\n\r\n'
  const answers = ({ got }: { readonly got: () => string }): number => got().split('HTTP/1.1 200 ').length - 1
  const crashing = await connectTo(shop.port)
  const connections = await Promise.all(Array.from({ length: 50 }, () => connectTo(shop.port)))
  for (const connection of connections) connection.send(GET)
  await until('the first answers', () => connections.every((connection) => answers(connection) === 1))
  // While it stands still, they pile up before it: the crash, and behind it the rest.
  shop.process.send('SIGSTOP')
  crashing.send('POST /crash-demo HTTP/1.1\r\nHost: x\r\n\r\n')
  await delay(50)
  for (const connection of connections) connection.send(GET)
  await delay(50)
  shop.process.send('SIGCONT')
  await Promise.all(connections.map(({ closed }) => closed))
  expect(connections.map(answers)).toEqual(Array.from({ length: 50 }, () => 2))
  // Which of them say `Connection: close` is left open: the crash comes when its own answer is out, and a request that
  // the process read before that was not behind it. That answers after a crash say so is the first test's.
  expect(await shop.process.exit).toEqual({ code: 1, signal: null })
  const lines = await shop.lines()
  expect(lines.filter(critical)).toHaveLength(1)
  expect(lines.filter((line) => line['path'] === '/items/item1' && line['event'] === 'http.request')).toHaveLength(100)
})

// Both of these take five seconds: they run side by side.
test.concurrent('4.1d: what takes longer than 5 s is cut; crashing again and again meanwhile does not loop', async () => {
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
  // The request that was cut has its line all the same.
  expect(lines.filter((line) => line['path'] === '/orders' && line['event'] === 'http.request')).toHaveLength(1)
})

test.concurrent('4.1d: a process that crashes while it stops has crashed, and one told to stop meanwhile ends sooner', async () => {
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
  const toldAt = performance.now()
  crashing.process.send('SIGTERM')
  expect(await crashing.process.exit).toEqual({ code: 1, signal: null })
  // Half a second less than a crash has: its supervisor does not wait longer.
  expect(performance.now() - toldAt).toBeLessThan(4_900)
  expect(await stopping.process.exit).toEqual({ code: 1, signal: null })
})
