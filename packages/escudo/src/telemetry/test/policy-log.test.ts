import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withAmbient } from '../../core/context/ambient.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { createLogger, type LoggerSettings, logPolicyEvents, type PolicyLogOptions } from '../pino.ts'

let stop = (): void => {}
let lines: Record<string, unknown>[] = []
const clock = virtualClock()

beforeEach(() => {
  lines = []
})
afterEach(() => stop())

function start(options: PolicyLogOptions = {}, settings: Partial<LoggerSettings> = {}): void {
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = createLogger({ service: 's', stdout: false, sink, ...settings })
  stop = logPolicyEvents(log, { clock, ...options })
}

const named = (event: string) => lines.filter((line) => line['event'] === event)

async function failTimes(name: string, times: number): Promise<void> {
  const answering = shield({ name, clock }, fallback(0))
  for (let n = 1; n <= times; n += 1) await answering.run(() => Promise.reject(new Error(`down ${n}`)))
}

describe('the lines of one shield and event in 10 s', () => {
  test('are ten; the rest is counted in one summary with the last error', async () => {
    start()
    await failTimes('inventory', 25)
    await failTimes('product', 3)
    expect(named('fallback')).toHaveLength(13)
    expect(named('policy.summary')).toEqual([])
    await clock.advance('10s')
    expect(named('policy.summary')).toMatchObject([
      {
        log_level: 'warning',
        shield: 'inventory',
        counts: { fallback: 15 },
        window_ms: 10_000,
        error_type: 'Error',
        error_message: 'down 25',
      },
    ])
    // The next event starts a new window.
    await failTimes('inventory', 12)
    await clock.advance('10s')
    expect(named('fallback')).toHaveLength(23)
    expect(named('policy.summary')[1]).toMatchObject({ counts: { fallback: 2 } })
  })

  test('are as many as the option says', async () => {
    start({ linesMax: 1_000 })
    await failTimes('inventory', 1_001)
    expect(named('fallback')).toHaveLength(1_000)
  })

  test('are summed up when the logging stops', async () => {
    start({ linesMax: 0 })
    await failTimes('inventory', 2)
    stop()
    expect(lines).toMatchObject([{ event: 'policy.summary', counts: { fallback: 2 } }])
    stop()
    expect(lines).toHaveLength(1)
  })

  test('count refusals, which are below the level, in a summary at info', async () => {
    start()
    const full = shield({ name: 'full', clock }, bulkhead({ limit: 1 }))
    let release = (): void => {}
    const first = full.run(() => new Promise<void>((resolve) => (release = resolve)))
    for (let n = 0; n < 4; n += 1) await full.run(() => 1).catch(() => {})
    await clock.advance('10s')
    release()
    await first
    expect(lines).toMatchObject([
      { event: 'policy.summary', log_level: 'info', shield: 'full', counts: { 'bulkhead.rejected': 4 } },
    ])
  })

  test('a summary belongs to no request', async () => {
    start({ linesMax: 0 })
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
    await withAmbient(context, () => failTimes('inventory', 1))
    await clock.advance('10s')
    expect(lines[0]).not.toHaveProperty('trace_id')
  })

  test('memory is bounded for any number of shields', async () => {
    start({ linesMax: 0 })
    for (let n = 0; n < 1_100; n += 1) await failTimes(`origin-${n}`, 1)
    await clock.advance('10s')
    expect(named('policy.summary')).toHaveLength(1_001)
    expect(lines.at(-1)).toMatchObject({ shield: '(others)', counts: { fallback: 100 } })
  })

  test('refuses unknown and invalid options', () => {
    expect(() => start({ linesMax: -1 })).toThrow(/logPolicyEvents.linesMax/)
    expect(() => start({ lines: 5 } as never)).toThrow(/logPolicyEvents.lines/)
  })
})

test('the line of a fallback has the error that it hid, with the address that refused', async () => {
  // A port that was free a moment ago: nothing listens there.
  const server = createServer().listen(0)
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  start()
  const answering = shield('inventory', fallback(0))
  await answering.run(() => fetch(`http://localhost:${port}/`) as Promise<never>)
  const [line] = named('fallback')
  expect(line).toMatchObject({ error_type: 'TypeError', error_message: 'fetch failed' })
  const causes = line?.['error_causes'] as { message: string; code?: string; stack?: string }[]
  expect(causes.some(({ code }) => code === 'ECONNREFUSED')).toBe(true)
  // Both addresses of localhost, where the machine has both.
  const addresses = causes.filter(({ message }) => message.includes(`:${port}`))
  expect(addresses.length).toBeGreaterThanOrEqual(1)
  if (causes.some((cause) => (cause as { type?: string }).type === 'AggregateError')) {
    expect(addresses.map(({ message }) => message).sort()).toEqual([
      `connect ECONNREFUSED 127.0.0.1:${port}`,
      `connect ECONNREFUSED ::1:${port}`,
    ])
  }
  expect(causes.every(({ stack }) => stack === undefined)).toBe(true)
})

test('a process that exits during an outage writes the summary', () => {
  const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  const source = `
    import { shield } from ${from('../../core/shield.ts')}
    import { fallback } from ${from('../../policies/fallback/fallback.ts')}
    import { createLogger, logPolicyEvents } from ${from('../pino.ts')}
    logPolicyEvents(createLogger({ service: 's' }), { linesMax: 1 })
    const answering = shield('inventory', fallback(0))
    for (let n = 0; n < 5; n += 1) await answering.run(() => Promise.reject(new Error('down')))
    process.exit(0)`
  const { stdout } = spawnSync(process.execPath, ['--conditions=@escudo/source', '--input-type=module', '-e', source], {
    encoding: 'utf8',
  })
  const written = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(written).toMatchObject([{ event: 'fallback' }, { event: 'policy.summary', counts: { fallback: 4 } }])
})
