import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Target } from '../../shop/target.ts'
import { get } from '../../wire/request.ts'
import { ok } from '../expectation.ts'
import { exchange, pending, type Row, type RowResult, scenario } from '../row.ts'
import { walkRows } from '../runner.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

/** A shop whose five processes are one server; `seen` collects every request. */
async function target(seen: string[] = [], answer?: RequestListener): Promise<Target> {
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.setHeader('x-trace-id', TRACE)
    if (answer !== undefined) answer(request, response)
    else response.setHeader('content-type', 'application/json').end('{"ok":true}')
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ports = { shop: port, flaky: port, product: port, inventory: port, dashboard: port }
  return { ports, logs: {}, pid: async () => undefined, own: undefined }
}

async function walked(rows: readonly Row[], on: Target, signal = new AbortController().signal) {
  const reported: RowResult[] = []
  const results = await walkRows(rows, on, { signal, onResult: (result) => void reported.push(result) })
  expect(reported).toEqual(results)
  return results
}

const verdicts = (results: readonly RowResult[]) => results.map(({ verdict }) => verdict)

test('reports rows as holding, differing or pending', async () => {
  const rows = [
    exchange('1', 'well', get('/'), ok({ ok: true })),
    exchange('2', 'ill', get('/'), ok({ ok: false })),
    pending('3', 'later', 'not there yet'),
  ]
  const results = await walked(rows, await target())
  expect(verdicts(results)).toEqual(['holds', 'differs', 'pending'])
  expect(results[1]?.details).toEqual(['GET /: body.ok: expected false, got true'])
  expect(results[2]?.details).toEqual(['not there yet'])
})

test('counts a difference that was found before a row became pending', async () => {
  const row = scenario('1', 'both', async (walk) => {
    await walk.ask(get('/'), ok({ ok: false }))
    await walk.logged('shop', await walk.send(get('/')), { event: 'x' })
  })
  expect(verdicts(await walked([row], await target()))).toEqual(['differs'])
})

test('reports rows as pending if logs or process ids are unknown', async () => {
  const rows = [
    scenario('1', 'logs', async (walk) => void (await walk.lines('shop', TRACE))),
    scenario('2', 'kill', async (walk) => void (await walk.kill('inventory'))),
    scenario('3', 'own', async () => {}, { ownShop: true }),
  ]
  expect(verdicts(await walked(rows, await target()))).toEqual(['pending', 'pending', 'pending'])
})

test('reports a row that throws as differing and clears its faults', async () => {
  const seen: string[] = []
  const row = scenario('1', 'throws', async (walk) => {
    await walk.fault('flaky', { status: 503 })
    throw new Error('oops')
  })
  const [result] = await walked([row], await target(seen))
  expect(result?.verdict).toBe('differs')
  expect(result?.details.join()).toContain('oops')
  expect(seen).toEqual(['PUT /__faults', 'DELETE /__faults'])
})

test('reports an answer without X-Trace-ID in any row', async () => {
  const on = await target([], (_request, response) => {
    response.removeHeader('x-trace-id')
    response.end('{}')
  })
  const results = await walked([exchange('1', 'x', get('/'), { status: 200 })], on)
  expect(results[0]?.details.join()).toContain('X-Trace-ID')
})

test('reports an error in another form in any row', async () => {
  const on = await target([], (_request, response) => response.writeHead(500).end('boom'))
  const results = await walked([exchange('1', 'x', get('/'), { status: 500 })], on)
  expect(results[0]?.verdict).toBe('differs')
})

test('runs lanes concurrently, then rows that run alone; keeps the order of results', async () => {
  const events: string[] = []
  const row = (id: string, ms: number, options: Partial<Row> = {}): Row =>
    scenario(
      id,
      id,
      async () => {
        events.push(`${id} in`)
        await new Promise((resolve) => setTimeout(resolve, ms))
        events.push(`${id} out`)
      },
      options,
    )
  const rows = [row('last', 0, { alone: true }), row('slow', 60, { lane: 'a' }), row('quick', 0, { lane: 'b' })]
  const results = await walked(rows, await target())
  expect(results.map(({ id }) => id)).toEqual(['last', 'slow', 'quick'])
  expect(events.indexOf('quick out')).toBeLessThan(events.indexOf('slow out'))
  expect(events.indexOf('last in')).toBe(4)
})

test('excludes rows of different lanes that use the same dependency', async () => {
  let inside = 0
  let most = 0
  const row = (lane: string): Row =>
    scenario(
      lane,
      lane,
      async () => {
        most = Math.max(most, ++inside)
        await new Promise((resolve) => setTimeout(resolve, 10))
        inside -= 1
      },
      { lane, uses: ['flaky'] },
    )
  await walked(['a', 'b', 'c'].map(row), await target())
  expect(most).toBe(1)
})

test('reports every unfinished row when it is stopped', async () => {
  const stop = new AbortController()
  const rows = [
    scenario('1', 'never ends', (walk) => walk.until('never', 60_000, () => undefined).then(() => {})),
    exchange('2', 'after', get('/'), { status: 200 }),
    exchange('3', 'alone', get('/'), { status: 200 }, { alone: true }),
  ]
  setTimeout(() => stop.abort('time is up'), 50)
  const started = performance.now()
  const results = await walked(rows, await target(), stop.signal)
  expect(performance.now() - started).toBeLessThan(2_000)
  expect(results[0]?.verdict).toBe('differs')
  expect(results[0]?.details.join()).toContain('time is up')
  expect(results[2]?.verdict).toBe('differs')
})
