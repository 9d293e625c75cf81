import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import { ENTRIES } from '../../report/selection.ts'
import { VictoriaLogs } from '../victoria-logs.ts'

const HOUR_MS = 3_600_000
const TIMES = /_time:\[([^,\]]+), ([^)\]]+)[)\]]/g

let server: Server
let asked: string[]
let newest = 0
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  asked = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk
    })
    request.on('end', () => {
      const query = new URLSearchParams(body).get('query') ?? ''
      asked.push(query)
      response.end(query.includes('max(_time) as newest') ? `{"newest":"${new Date(newest).toISOString()}"}` : '')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  vi.useRealTimers()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

it('asks for what is new after the clock was set back, too', async () => {
  let now = Date.parse('2026-11-28T14:00:00Z')
  newest = now
  const { port } = server.address() as AddressInfo
  const engine = new VictoriaLogs({ url: `http://127.0.0.1:${port}`, headers: {} }, UNDECLARED, () => now)
  const ask = async (): Promise<void> => {
    await engine.stats(900, ENTRIES)
    await engine.hits(900, ENTRIES)
    await engine.tail(ENTRIES, 0)
    await engine.calls(900, new AbortController().signal)
    vi.advanceTimersByTime(20_000)
  }
  await ask()
  await ask()
  now -= HOUR_MS
  newest = now
  asked = []
  await ask()
  const ranges = asked.flatMap((query) => [...query.matchAll(TIMES)].map(([, from = '', to = '']) => [from, to]))
  expect(ranges.length).toBeGreaterThan(10)
  for (const [from = '', to = ''] of ranges) {
    expect(from < to).toBe(true)
    expect(Date.parse(from)).toBeLessThan(now)
  }
})
