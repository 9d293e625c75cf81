import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bench, type Ran } from '../../test/setup.ts'
import { type Load, sendLoad } from '../load.ts'
import { type Running, scriptOf, start } from '../processes.ts'

// Very short rounds: these tests check that everything runs, never a time.
const service = (...args: readonly string[]): Promise<Ran> => bench('service', ...args)

interface Document {
  readonly pinning: string
  readonly versions: Readonly<Record<string, string>>
  readonly results: readonly {
    readonly group: string
    readonly by: string
    readonly rounds: readonly unknown[]
    readonly medians: Readonly<Record<string, number>>
  }[]
  readonly memory: readonly { readonly requests: number; readonly rssBytes: number; readonly heapBytes: number }[]
  readonly goals: readonly { readonly what: string; readonly verdict: string }[]
  readonly notes: readonly string[]
}

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

const SHORT = ['--rounds', '1', '--seconds', '0.1', '--requests', '1000']

test('measures a request in one short round and records profiles', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-profiles-'))
  folders.push(folder)
  const { code, out, err } = await service('--only', 'requests: GET', '--json', '--cpu-prof', folder, ...SHORT)
  expect([code, err]).toEqual([0, expect.stringContaining('bench: ')])
  const { results, goals, versions } = JSON.parse(out) as Document
  expect(results.map(({ by }) => by)).toEqual(['Fastify', 'Fastify + log', 'escudo', 'escudo, no log or metrics'])
  for (const { rounds, medians } of results) {
    expect(rounds).toHaveLength(1)
    for (const figure of ['cpuUs', 'perSecond', 'p50Ms', 'p99Ms', 'busy']) expect(medians[figure]).toBeGreaterThan(0)
  }
  expect(goals.filter(({ verdict }) => verdict !== 'not measured').map(({ what }) => what)).toEqual([
    'requests: GET 200',
    'requests: GET 200, p99 at full load',
  ])
  expect(Object.keys(versions)).toContain('undici')
  const profiles = await readdir(folder)
  expect(profiles).toContain('requests-get-200-escudo.cpuprofile')
  expect(profiles).toHaveLength(4)
  const profile = JSON.parse(await readFile(join(folder, 'requests-get-200-escudo.cpuprofile'), 'utf8'))
  expect(profile.nodes.length).toBeGreaterThan(10)
})

test('measures the shop with an open circuit, and its memory', { timeout: 120_000 }, async () => {
  const { code, out, err } = await service('--only', 'shop: ', '--json', ...SHORT)
  expect([code, err]).toEqual([0, expect.stringContaining('bench: ')])
  const { results, memory, goals } = JSON.parse(out) as Document
  expect(results.map(({ group }) => group)).toEqual([
    'shop: GET 200',
    'shop: business error, 404',
    'shop: open circuit, 503',
  ])
  expect(memory.map(({ requests }) => requests)).toEqual(Array.from({ length: 11 }, (_, part) => part * 100))
  for (const { rssBytes, heapBytes } of memory) expect(rssBytes).toBeGreaterThan(heapBytes)
  expect(goals.filter(({ verdict }) => verdict !== 'not measured')).toHaveLength(4)
})

test('reports the chapter as not available without its packages', { timeout: 60_000 }, async () => {
  const { code, out } = await service('--only', 'chapter', '--python', '/nowhere/python', '--markdown', ...SHORT)
  expect(code).toBe(0)
  expect(out).toContain('/nowhere/python was not found; see bench/chapter-python/README.md')
  expect(out.match(/FastAPI: not available/g)).toHaveLength(3)
})

test('lists the groups, explains the options and rejects an unknown group', { timeout: 60_000 }, async () => {
  const [list, help, unknown] = await Promise.all([
    service('--list'),
    service('--help'),
    service('--only', 'no such group'),
  ])
  expect(list.out.trim().split('\n')).toHaveLength(12)
  expect(help.out).toContain('--cpu-prof DIR')
  expect([unknown.code, unknown.out]).toEqual([1, ''])
  expect(unknown.err).toContain('shop: memory')
})

describe('the load', () => {
  let server: Server
  let loader: Running
  let load: Load
  let requests = 0
  let answer: (request: number) => { readonly status: number; readonly body: string }

  beforeAll(async () => {
    server = createServer((_request, response) => {
      requests += 1
      const { status, body } = answer(requests)
      response.writeHead(status, { 'content-length': body.length }).end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    loader = start({ name: 'load', core: undefined, args: [scriptOf('programs/load.ts')] })
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    load = {
      origin,
      path: '/',
      method: 'GET',
      status: 200,
      staysAwake: true,
      bodyBytes: 5,
      connections: 4,
      forMs: 5_000,
      requestsMax: 500,
    }
  })
  afterAll(async () => {
    await loader.stop()
    server.close()
  })

  test('sends exactly the number of requests that it is told', { timeout: 30_000 }, async () => {
    requests = 0
    answer = () => ({ status: 200, body: 'hello' })
    const result = await sendLoad(loader, load)
    expect([result.requests, requests, result.wrong]).toEqual([500, 500, undefined])
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms)
  })

  test.each([
    ['another status', { status: 500, body: 'hello' }, 'status 500 with 5 bytes'],
    ['another length', { status: 200, body: 'hello!' }, 'status 200 with 6 bytes'],
  ])('fails for a single answer with %s', { timeout: 30_000 }, async (_, wrong, message) => {
    requests = 0
    answer = (request) => (request === 250 ? wrong : { status: 200, body: 'hello' })
    await expect(sendLoad(loader, load)).rejects.toThrow(message)
  })

  test('fails when the connection is refused', { timeout: 30_000 }, async () => {
    await expect(sendLoad(loader, { ...load, origin: 'http://127.0.0.1:9' })).rejects.toThrow('ECONNREFUSED')
  })
})

describe('a process of the benchmark', () => {
  test('tells why it ended', { timeout: 30_000 }, async () => {
    const failing = start({ name: 'client', core: undefined, args: [scriptOf('programs/client.ts'), 'telnet', '1'] })
    await expect(failing.ask('load')).rejects.toThrow(/^client: .*no client has the name 'telnet'/s)
    await failing.stop()
    await expect(failing.answersAt('http://127.0.0.1:9')).rejects.toThrow('client did not start')
  })

  test('answers a question that arrives before its program can', { timeout: 30_000 }, async () => {
    const channel = new URL('../channel.ts', import.meta.url).href
    const code = `
      import { answer } from '${channel}'
      setTimeout(() => answer('late', (value) => value + 1), 200)
      process.once('disconnect', () => process.exit(0))`
    const slow = start({ name: 'slow', core: undefined, args: ['--input-type=module', '-e', code] })
    // The probe answers 'usage' already.
    expect((await slow.usage()).cpuUs).toBeGreaterThan(0)
    expect(await slow.ask('late', 6)).toBe(7)
    await slow.stop()
  })
})
