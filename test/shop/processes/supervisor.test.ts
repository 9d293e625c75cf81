import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { readLog } from '../helpers/logs.ts'
import { isAlive, start, startScript, until } from '../helpers/processes.ts'
import { ask, listening, setFault } from '../helpers/requests.ts'
import { cleanUp, environment, pidsOf, startSystem, untilUp } from '../helpers/system.ts'
import { NAMES } from '../helpers/target.ts'

const START = 'examples/potion-shop/src/start.ts'

afterEach(cleanUp)

/** Waits until none of these processes exists. */
async function untilGone(pids: readonly number[]): Promise<void> {
  await until(`the end of processes ${pids.join(', ')}`, () => !pids.some(isAlive), 8_000)
}

test('start: starts all five processes, prints their URLs and exits 0 on a double Ctrl-C', async () => {
  // The first processes of a new clone write Node's compile cache as they exit. On a busy machine that takes longer than
  // the supervisor waits.
  const system = await startSystem({ NODE_DISABLE_COMPILE_CACHE: '1' })
  const pids = Object.values(pidsOf(system.supervisor))
  expect(pids).toHaveLength(5)
  for (const name of NAMES) {
    expect(system.supervisor.stdout()).toContain(`http://localhost:${system.ports[name]}`)
    expect((await ask(system, name, '/healthz')).status).toBe(200)
  }
  system.supervisor.send('SIGINT')
  await delay(20)
  system.supervisor.send('SIGINT')
  expect(await system.supervisor.exit).toEqual({ code: 0, signal: null })
  await untilGone(pids)
  expect(system.supervisor.stderr()).toBe('')
  expect(system.supervisor.stdout().match(/stopping/g)).toHaveLength(1)
  // Each process ended by itself: none had to be killed.
  expect(system.supervisor.stdout()).not.toContain('did not stop')
})

test.each([0, 60, 150, 400, 800])('SIGTERM %i ms after the start leaves no process behind', async (afterMs) => {
  const { env, ports } = await environment()
  const supervisor = startScript(START, [], env)
  // Before the script runs, Node.js has no handler, and the signal ends the process.
  if (afterMs > 0) await until('the first output', () => supervisor.stdout() !== '')
  await delay(afterMs)
  supervisor.send('SIGTERM')
  const { code, signal } = await supervisor.exit
  expect(afterMs > 0 ? [code, signal] : [0, null]).toEqual([0, null])
  await delay(100)
  for (const port of Object.values(ports)) await expect(listening(port)).resolves.toBe(false)
})

test('start: a SIGTERM to npm alone stops all processes', async () => {
  const { env } = await environment()
  const npm = start('npm', ['start'], env)
  await untilUp(npm)
  const pids = Object.values(pidsOf(npm))
  npm.send('SIGTERM')
  await npm.exit
  await untilGone(pids)
})

test('a SIGKILL of npm, which npm cannot forward, stops all processes', async () => {
  const { env } = await environment()
  const npm = start('npm', ['start'], env)
  await untilUp(npm)
  const pids = Object.values(pidsOf(npm))
  npm.send('SIGKILL')
  await untilGone(pids)
})

test('start: Ctrl-C in a terminal, which reaches npm and the supervisor, stops all processes', async () => {
  const { env } = await environment()
  // A terminal signals the whole process group, and npm forwards the signal: the supervisor receives it twice.
  const npm = start('npm', ['start'], env, true)
  await untilUp(npm)
  const pids = Object.values(pidsOf(npm))
  process.kill(-npm.pid, 'SIGINT')
  expect((await npm.exit).code).toBe(0)
  await untilGone(pids)
  expect(npm.stdout()).not.toContain('died')
})

test('the processes end by themselves when the supervisor gets SIGKILL', async () => {
  const system = await startSystem()
  const pids = Object.values(pidsOf(system.supervisor))
  system.supervisor.send('SIGKILL')
  await system.supervisor.exit
  await untilGone(pids)
})

test.each([0, 100, 250, 500])('SIGKILL %i ms after the first output leaves no process behind', async (afterMs) => {
  const { env, ports } = await environment()
  const supervisor = startScript(START, [], env)
  await until('the first output', () => supervisor.stdout() !== '')
  await delay(afterMs)
  supervisor.send('SIGKILL')
  await supervisor.exit
  // Long enough for a process that was still loading to listen on its port.
  await delay(1_500)
  await until(
    'free ports',
    async () => {
      const held = await Promise.all(Object.values(ports).map(listening))
      return !held.includes(true)
    },
    3_000,
  )
})

test('start: restarts a process after SIGKILL, reports it and keeps the others running', async () => {
  const system = await startSystem()
  const { 'inventory-service': killed, ...others } = pidsOf(system.supervisor)
  process.kill(killed, 'SIGKILL')
  await until('the restart', () => pidsOf(system.supervisor)['inventory-service'] !== killed)
  expect(system.supervisor.stdout()).toContain('inventory-service died (signal SIGKILL); starting it again in 500 ms')
  await until('an answer', async () => {
    const answer = await ask(system, 'inventory-service', '/healthz').catch(() => undefined)
    return answer?.status === 200
  })
  const { 'inventory-service': _again, ...othersNow } = pidsOf(system.supervisor)
  expect(othersNow).toEqual(others)
  expect(Object.values(others).every(isAlive)).toBe(true)
})

test('stops on a signal while a process waits for its restart', async () => {
  const system = await startSystem()
  const pids = pidsOf(system.supervisor)
  process.kill(pids['product-service'], 'SIGKILL')
  await until('the notice', () => system.supervisor.stdout().includes('product-service died'))
  system.supervisor.send('SIGTERM')
  expect(await system.supervisor.exit).toEqual({ code: 0, signal: null })
  await untilGone(Object.values(pids))
})

test('kills a hanging process after five seconds; the others stop gracefully', async () => {
  const system = await startSystem()
  const pids = pidsOf(system.supervisor)
  process.kill(pids['inventory-service'], 'SIGSTOP')
  const started = performance.now()
  system.supervisor.send('SIGTERM')
  expect(await system.supervisor.exit).toEqual({ code: 0, signal: null })
  expect(performance.now() - started).toBeGreaterThan(4_900)
  expect(performance.now() - started).toBeLessThan(7_000)
  expect(system.supervisor.stdout()).toContain('inventory-service did not stop within 5000 ms')
  await untilGone(Object.values(pids))
})

test('answers a request in flight when it stops', async () => {
  const system = await startSystem()
  await setFault(system, 'product-service', { latency_ms: 700 })
  const answer = ask(system, 'product-service', '/products/mana-potion')
  await delay(200)
  system.supervisor.send('SIGTERM')
  expect((await answer).status).toBe(200)
  expect(await system.supervisor.exit).toEqual({ code: 0, signal: null })
})

test('keeps running when the reader of its output goes away', async () => {
  const system = await startSystem()
  const pids = pidsOf(system.supervisor)
  system.supervisor.closeOutput()
  process.kill(pids['product-service'], 'SIGKILL')
  await until('the restart, which has no readable output', async () => {
    const answer = await ask(system, 'product-service', '/healthz').catch(() => undefined)
    return answer?.status === 200
  })
  for (const name of NAMES) expect((await ask(system, name, '/healthz')).status).toBe(200)
  system.supervisor.send('SIGTERM')
  expect(await system.supervisor.exit).toEqual({ code: 0, signal: null })
  await untilGone(Object.values(pids))
})

test('ends the start with one line when a process cannot start, and leaves none behind', async () => {
  const { env, ports, logFolder } = await environment()
  await mkdir(join(logFolder, 'product-service.jsonl'))
  const supervisor = startScript(START, [], env)
  expect(await supervisor.exit).toEqual({ code: 2, signal: null })
  expect(supervisor.stdout()).toContain('[product-service] product-service: EISDIR')
  expect(supervisor.stderr()).toBe('potion-shop: product-service could not start\n')
  for (const port of Object.values(ports)) expect(await listening(port)).toBe(false)
})

test('a service killed while it writes leaves no incomplete line in its log', async () => {
  const system = await startSystem()
  for (let round = 0; round < 2; round += 1) {
    const pid = pidsOf(system.supervisor)['potion-shop']
    const load = Array.from({ length: 300 }, () => ask(system, 'potion-shop', '/items/item1').catch(() => undefined))
    await Promise.race(load)
    process.kill(pid, 'SIGKILL')
    await Promise.all(load)
    await until('the restart', async () => {
      const answer = await ask(system, 'potion-shop', '/healthz').catch(() => undefined)
      return answer?.status === 200
    })
  }
  // readLog throws if a line is not JSON, for example two joined incomplete lines.
  const lines = await until('the lines after the last restart', async () => {
    const all = await readLog(system, 'potion-shop')
    return all.length > 2 ? all : undefined
  })
  expect(lines.some((line) => line['event'] === 'http.request')).toBe(true)
})
