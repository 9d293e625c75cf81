import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogFiles } from '../../journal/log-files.ts'
import { createTestLog, type TestLog } from '../../test/setup.ts'
import { readLine } from '../read-line.ts'
import { readTrace } from '../read-trace.ts'

let log: TestLog
beforeEach(async () => {
  log = await createTestLog('web.log')
})
afterEach(() => log.remove())

const ACCESS = '10.0.0.7 - - [28/Nov/2026:14:00:00 +0000] "GET /items/ñandú HTTP/1.1" 502 157 "-" "curl/8.5.0" rt=0.058'

/** Returns the raw texts of all lines in the tail, oldest first. */
async function rawTexts(files: LogFiles): Promise<readonly (string | undefined)[]> {
  const { items } = files.journal.tail
  return await Promise.all(
    items.toSorted((a, b) => a.id - b.id).map(async ({ ref }) => ref && (await readLine(files, ref))?.facts.raw),
  )
}

describe('a line that is read back by its place', () => {
  it('has what was recognised, its fields and its raw text, without any trace', async () => {
    await log.append(ACCESS)
    const [line] = log.files.journal.tail.items
    expect(line?.ref === undefined ? undefined : await readLine(log.files, line.ref)).toMatchObject({
      line: { remote_addr: '10.0.0.7', status_code: 502, path: '/items/ñandú', service: 'web' },
      facts: { status: 502, latency_ms: 58, format: 'combined', file: log.path, raw: ACCESS, is_request: true },
    })
    expect(log.files.journal.errors.items[0]?.ref).toEqual(line?.ref)
  })

  it('is the line of its entry, however the bytes arrived', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(text, { maxLength: 6 }), { minLength: 1, maxLength: 6 }), async (writes) => {
        const one = await createTestLog('some.log')
        try {
          for (const messages of writes) {
            const lines = messages
              .map((message) => `${JSON.stringify({ level: 30, time: 1, msg: message })}\n`)
              .join('')
            // A write may end within a line, and blank and broken lines are in between.
            const bytes = Buffer.from(`\n{broken\n${lines}`)
            const middle = Math.floor(bytes.length / 2)
            for (const part of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
              await appendFile(one.path, part)
              await one.files.poll()
            }
          }
          const written = (await readFile(one.path, 'utf8')).split('\n').filter((line) => line.startsWith('{"'))
          expect(await rawTexts(one.files)).toEqual(written)
        } finally {
          await one.remove()
        }
      }),
      { numRuns: 60 },
    )
  })

  it('is found in the older part of a large file, and after a rotation', async () => {
    const lines = Array.from({ length: 20_000 }, (_, number) =>
      JSON.stringify({
        time: new Date(Date.now() - 100_000 + number).toISOString(),
        msg: `${'x'.repeat(150)}${number}`,
      }),
    )
    await writeFile(log.path, `${lines.join('\n')}\n`)
    const files = new LogFiles([log.path])
    await files.poll()
    // The list of errors keeps its newest lines, and these lines are older than it.
    await appendFile(log.path, '{"level":50,"time":"2020-01-01T00:00:00Z","msg":"old"}\n')
    await files.poll()
    while (await files.backfill());
    await rename(log.path, `${log.path}.1`)
    await appendFile(log.path, '{"level":50,"time":"2030-01-01T00:00:00Z","msg":"new"}\n')
    await files.poll()
    expect((await rawTexts(files)).every((raw) => raw !== undefined)).toBe(true)
    await files.end()
  })

  it('is found when a container runtime split it', async () => {
    const part = (flag: string, text: string): string => `2026-11-28T14:00:00.000Z stdout ${flag} ${text}`
    const other = part('F', '{"level":30,"time":1764338400000,"msg":"other"}')
    const parts = [part('P', '{"level":50,"time":1764338400000,'), part('F', '"msg":"whole"}')]
    await log.append(other, ...parts)
    const line = log.files.journal.tail.items.find(({ text }) => text === 'whole')
    const found = line?.ref === undefined ? undefined : await readLine(log.files, line.ref)
    expect(found?.facts).toMatchObject({ message: 'whole', raw: parts.join('\n') })
  })

  it('is the record of a line with several', async () => {
    const record = (body: string) => ({ timeUnixNano: '1764338400000000000', body: { stringValue: body } })
    await log.append({ resourceLogs: [{ scopeLogs: [{ logRecords: [record('first'), record('second')] }] }] })
    await log.append({ message: 'a line after it' })
    await log.append({ resourceLogs: [{ scopeLogs: [{ logRecords: [record('third'), record('fourth')] }] }] }, ACCESS)
    for (const message of ['first', 'second', 'a line after it', 'third', 'fourth']) {
      const line = log.files.journal.tail.items.find(({ text }) => text === message)
      const found = line?.ref === undefined ? undefined : await readLine(log.files, line.ref)
      expect(found?.facts.message).toBe(message)
    }
    const access = log.files.journal.tail.items.find(({ status }) => status === 502)
    expect(access?.ref === undefined ? 'no place' : await readLine(log.files, access.ref)).toMatchObject({
      facts: { raw: ACCESS },
    })
  })

  it('is gone after a truncation, and no other line appears in its place', async () => {
    await log.append(ACCESS)
    const ref = log.files.journal.tail.items[0]?.ref
    await writeFile(log.path, '')
    await log.append({ message: 'after' })
    expect(ref === undefined ? 'no place' : await readLine(log.files, ref)).toBeUndefined()
    expect(await readLine(log.files, [999, 0, 0, 0])).toBeUndefined()
    expect(await readLine(log.files, [1, 1e15, 0, 0])).toBeUndefined()
  })
})

it('adds what was recognised to the lines of a trace in any format, if it is asked for', async () => {
  await log.append(
    {
      level: 30,
      time: 1764338400000,
      msg: 'request completed',
      traceId: 't1',
      res: { statusCode: 200 },
      responseTime: 4,
    },
    'time=2026-11-28T14:00:01Z level=warn msg="slow query" trace_id=t1 span_id=s2',
  )
  const trace = await readTrace(log.files, 't1', true)
  expect(trace.facts).toMatchObject([
    { format: 'pino', level: 'info', status: 200, latency_ms: 4, is_request: true },
    { level: 'warning', message: 'slow query', span_id: 's2', is_request: false },
  ])
  expect(trace.facts?.[1]?.raw).toContain('msg="slow query"')
  expect(await readTrace(log.files, 't1')).not.toHaveProperty('facts')
})
