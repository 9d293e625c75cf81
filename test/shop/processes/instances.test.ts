import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { debianPackage } from '../../helpers/debian.ts'
import type { Line } from '../helpers/logs.ts'
import { freePorts, isAlive, type Running, startScript, until } from '../helpers/processes.ts'
import { listening } from '../helpers/requests.ts'
import { cleanUp, environment, untilUp } from '../helpers/system.ts'

// The shop in several instances, as `npm start -- --instances 3` starts it.

const START = 'examples/potion-shop/src/start.ts'
const TOKEN = { 'x-token': 'admin123' }

afterEach(cleanUp)

interface Fleet {
  readonly supervisor: Running
  readonly ports: readonly number[]
  readonly logFolder: string
  readonly dashboard: number
}

async function startFleet(env: Readonly<Record<string, string>> = {}): Promise<Fleet> {
  const {
    env: own,
    logFolder,
    ports,
  } = await environment({
    ESCUDO_UNSTABLE_FAIL_RATE: '1',
    // A process that writes Node's compile cache as it exits can be slower than the supervisor waits.
    NODE_DISABLE_COMPILE_CACHE: '1',
    ...env,
  })
  const shop = await threePorts()
  const supervisor = startScript(START, ['--instances', '3', '--shop-port', String(shop)], own)
  await untilUp(supervisor)
  return { supervisor, ports: [shop, shop + 10, shop + 20], logFolder, dashboard: ports.dashboard }
}

/** A free port, of which the tenth and the twentieth after it are free too. */
async function threePorts(): Promise<number> {
  while (true) {
    const [port = 0] = await freePorts(1)
    if (!(await listening(port + 10)) && !(await listening(port + 20)) && port < 65_000) return port
  }
}

async function linesOf(folder: string, instance: number): Promise<readonly Line[]> {
  const text = await readFile(`${folder}/potion-shop-${instance}.jsonl`, 'utf8')
  return text.split('\n').flatMap((line): Line[] => (line === '' ? [] : [JSON.parse(line)]))
}

/** Whether something accepts connections at a port. Redis does not answer HTTP. */
async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.on('connect', () => end(true)).on('error', () => end(false))
  })
}

const pidsOf = ({ stdout }: Running): readonly number[] =>
  [...stdout().matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid))

// biome-ignore lint/suspicious/noExplicitAny: the answers of several routes
const ask = async (port: number, path: string): Promise<any> =>
  await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: TOKEN })).json()

const circuitsOf = async ({ ports }: Fleet): Promise<readonly { state: string; reason?: string }[]> =>
  await Promise.all(
    ports.map(async (port) => {
      const { policies } = await ask(port, '/admin/shields/external')
      return policies[0]
    }),
  )

test('three instances open their circuit together, the page and the command show them, and all end', {
  timeout: 60_000,
}, async (context) => {
  if ((await debianPackage('redis-server', 'redis-server')) === undefined) return context.skip()
  const fleet = await startFleet()
  const { supervisor, ports, logFolder, dashboard } = fleet
  const pids = pidsOf(supervisor)
  // Three shops, three dependencies, the dashboard and Redis.
  expect(pids).toHaveLength(8)
  expect(supervisor.stdout()).toMatch(/redis +redis:\/\/localhost:\d+/)
  const redisPort = Number(/redis:\/\/localhost:(\d+)/.exec(supervisor.stdout())?.[1])
  // Two of three see the dependency failing: the third one opens because of the fleet.
  await until('the circuit of the third instance', async () => {
    for (const port of ports.slice(0, 2)) await fetch(`http://127.0.0.1:${port}/call-external`).then((r) => r.text())
    return (await circuitsOf(fleet))[2]?.state === 'open'
  })
  expect((await circuitsOf(fleet))[2]?.reason).toMatch(/^fleet: 2 of 3$/)

  const lines = await linesOf(logFolder, 3)
  expect(lines.length).toBeGreaterThan(0)
  const own = lines.filter(({ event }) => event !== 'service.start')
  for (const line of own) expect(line['instance']).toBe('potion-shop-3')
  expect(lines.find(({ event }) => event === 'service.start')?.['instance']).toMatchObject({ name: 'potion-shop-3' })
  const metrics = await (await fetch(`http://127.0.0.1:${ports[2]}/metrics`)).text()
  expect(metrics).toContain('target_info{service_instance_id="potion-shop-3"} 1')

  const urls = ports.flatMap((port) => ['--url', `http://127.0.0.1:${port}`])
  const escudo = ['--conditions=@escudo/source', 'packages/cli/src/bin.ts', 'status', ...urls, '--token', 'admin123']
  const { stdout } = await promisify(execFile)(process.execPath, escudo)
  expect(stdout).toContain('potion-shop: 3 of 3 instances answer')
  expect(stdout).toMatch(/circuitBreaker +(open|half-open) +(open|half-open) +(open|half-open)/)

  const service = await until('the instances on the dashboard', async () => {
    const { services } = await ask(dashboard, '/api/health')
    const shop = services.find(({ name }: { name: string }) => name === 'potion-shop')
    return shop?.instances.length === 3 && shop
  })
  expect(service.instances.map(({ name }: { name: string }) => name)).toEqual([1, 2, 3].map((n) => `potion-shop-${n}`))

  const stopMs = Date.now()
  supervisor.send('SIGINT')
  expect(await supervisor.exit).toEqual({ code: 0, signal: null })
  await until('the end of all processes', () => !pids.some(isAlive), 8_000)
  expect(await accepts(redisPort)).toBe(false)
  expect(supervisor.stdout()).not.toContain('did not stop')
  // Redis ends after the shops: none of them has lost it.
  const all = await linesOf(logFolder, 1)
  expect(all.at(-1)?.['event']).toBe('service.stop')
  const late = all.filter(({ timestamp }) => Date.parse(String(timestamp)) > stopMs)
  expect(late.filter(({ shield, to }) => shield === 'potion-shop:redis' && to === 'open')).toEqual([])
})

test('Redis ends when the supervisor is killed, and starts again when it is killed itself', {
  timeout: 60_000,
}, async (context) => {
  if ((await debianPackage('redis-server', 'redis-server')) === undefined) return context.skip()
  const { supervisor } = await startFleet()
  const port = Number(/redis:\/\/localhost:(\d+)/.exec(supervisor.stdout())?.[1])
  const client = new Redis({ port, retryStrategy: () => null })
  client.on('error', () => {})
  const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1])
  process.kill(pid, 'SIGKILL')
  await until('the notice', () => supervisor.stdout().includes('redis died'))
  await until('Redis again', () => accepts(port))
  supervisor.send('SIGKILL')
  await supervisor.exit
  await until('the end of Redis', async () => !(await accepts(port)), 8_000)
})

test('without Redis, says so, and each instance acts alone', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(`${tmpdir()}/escudo-path-`)
  try {
    const fleet = await startFleet({ PATH: folder })
    expect(fleet.supervisor.stdout()).toContain('redis-server is not installed: each instance acts alone')
    expect(fleet.supervisor.stdout()).not.toContain('redis://')
    const [first = 0] = fleet.ports
    for (let call = 0; call < 3; call += 1) await fetch(`http://127.0.0.1:${first}/call-external`).then((r) => r.text())
    expect((await circuitsOf(fleet)).map(({ state }) => state)).toEqual(['open', 'closed', 'closed'])
    fleet.supervisor.send('SIGTERM')
    expect(await fleet.supervisor.exit).toEqual({ code: 0, signal: null })
  } finally {
    await rm(folder, { recursive: true })
  }
})
