import { appendFile, rename, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFiles } from '../../journal/log-files.ts'
import { createTestLog, type TestLog } from '../../test/setup.ts'
import { readTrace } from '../read-trace.ts'

let log: TestLog
beforeEach(async () => {
  log = await createTestLog('shop.jsonl')
})
afterEach(() => log.remove())

const START = Date.now() - 3_600_000

function line(number: number, trace = `trace-${number}`): string {
  const timestamp = new Date(START + number).toISOString()
  return `${JSON.stringify({ timestamp, event: 'http.request', service: 'shop', trace_id: trace, status_code: 200, latency_ms: 1, path: `/items/${'x'.repeat(150)}` })}\n`
}

async function reopened(): Promise<LogFiles> {
  const files = new LogFiles([log.path])
  await files.poll()
  return files
}

test('returns the lines of a trace by time and adds a missing service', async () => {
  await log.append(
    { timestamp: '2026-11-20T10:00:02Z', trace_id: 'a', message: 'second' },
    { timestamp: '2026-11-20T10:00:01Z', trace_id: 'a', service: 'other', message: 'first' },
    { timestamp: '2026-11-20T10:00:01Z', trace_id: 'ab', message: 'no' },
    'a broken line with a in it',
  )
  expect(await readTrace(log.files, 'a')).toEqual({
    trace_id: 'a',
    lines: [
      { timestamp: '2026-11-20T10:00:01Z', trace_id: 'a', service: 'other', message: 'first' },
      { timestamp: '2026-11-20T10:00:02Z', trace_id: 'a', service: 'shop', message: 'second' },
    ],
    is_partial: false,
  })
  expect((await readTrace(log.files, 'missing')).lines).toEqual([])
})

test('reads a large file from its end, then backwards, each line once', async () => {
  const lines = 30_000
  await writeFile(log.path, Array.from({ length: lines }, (_, number) => line(number)).join(''))
  const files = await reopened()
  const journal = files.journal
  const atFirst = journal.named.total.latency.total
  expect(atFirst).toBeLessThan(lines / 4)
  expect((await readTrace(files, `trace-${lines - 1}`)).lines).toHaveLength(1)
  await appendFile(log.path, line(lines))
  await files.poll()
  expect(journal.named.total.latency.total).toBe(atFirst + 1)
  while (await files.backfill());
  expect(journal.named.total.latency.total).toBe(lines + 1)
  for (const number of [0, 1, 777, 12_345, 29_999, 30_000]) {
    expect((await readTrace(files, `trace-${number}`)).lines).toHaveLength(1)
  }
  expect(files.backfilling).toEqual({ read: 0, all: 0 })
  await files.end()
})

test('reads lines that cross block boundaries exactly once when reading backwards', async () => {
  const long = line(1).replace('/items/', `/${'y'.repeat(900_000)}`)
  const parts = Array.from({ length: 12 }, (_, number) => line(number) + long)
  await writeFile(log.path, parts.join(''))
  const files = await reopened()
  while (await files.backfill());
  expect(files.journal.named.total.latency.total).toBe(24)
  await files.end()
})

test('finds the lines of a rotated file, but not those of a truncated one', async () => {
  await log.append({ trace_id: 'a', message: 'before' })
  await rename(log.path, `${log.path}.1`)
  await log.append({ trace_id: 'a', message: 'after' })
  const both = (await readTrace(log.files, 'a')).lines.map(({ message }) => message)
  expect(both).toEqual(['before', 'after'])
  await writeFile(log.path, '')
  await log.append({ trace_id: 'b', message: 'new' })
  const left = (await readTrace(log.files, 'a')).lines.map(({ message }) => message)
  expect(left).toEqual(['before'])
})

test('removes a truncated file from the index', async () => {
  await writeFile(log.path, Array.from({ length: 10_000 }, (_, number) => line(number)).join(''))
  await log.files.poll()
  expect(log.files.journal.traces.find('trace-5')).toHaveLength(1)
  await writeFile(log.path, '')
  await log.files.poll()
  expect(log.files.journal.traces.find('trace-5')).toEqual([])
  expect(log.files.journal.traces.bytes).toBe(0)
})

test('finds a trace id that JSON escapes', async () => {
  const id = '"ñ\\'
  await log.append({ trace_id: id, message: 'plain' }, '{"trace_id":"\\u0022\\u00f1\\\\","message":"escaped"}')
  expect((await readTrace(log.files, id)).lines).toHaveLength(2)
})

test('limits the lines of a long trace and marks it as partial', async () => {
  await log.append(...Array.from({ length: 2_500 }, () => ({ trace_id: 'a', message: 'again' })))
  const trace = await readTrace(log.files, 'a')
  expect(trace.lines).toHaveLength(2_000)
  expect(trace.is_partial).toBe(true)
})

test('finds each line of a trace, wherever it is in a read, and no line that only names it', async () => {
  const ids = ['t-1', 't-12', 't-2', 'x', 't-1'.repeat(20)]
  const texts = Array.from({ length: 12_000 }, (_, number) => {
    const trace = ids[(number * 7) % 5]
    // Lines of many lengths, so that reads end anywhere in them.
    const message = number % 11 === 0 ? `t-1 t-12 ${'y'.repeat((number * 37) % 900)}` : 'y'.repeat((number * 13) % 300)
    return `${JSON.stringify({ timestamp: new Date(START + number).toISOString(), trace_id: trace, number, message })}\n`
  })
  await writeFile(log.path, texts.join(''))
  const files = new LogFiles([log.path])
  await files.readAll()
  for (const id of ids) {
    const wanted = texts.map((text) => JSON.parse(text)).filter(({ trace_id }) => trace_id === id)
    const { lines, is_partial } = await readTrace(files, id)
    expect([id, is_partial]).toEqual([id, true])
    expect(lines.map(({ number }) => number)).toEqual(wanted.slice(0, 2_000).map(({ number }) => number))
  }
  await files.end()
})
