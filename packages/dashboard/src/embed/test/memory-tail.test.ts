import { array, asyncProperty, constantFrom, integer, record, assert as run } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTrace } from '../../report/read-trace.ts'
import { summarize } from '../../report/summary.ts'
import { CountedLines } from '../counted-lines.ts'
import { MemoryFile } from '../memory-file.ts'

const KEPT_BYTES = 65_536

function lineOf(fields: object): string {
  const line = { timestamp: new Date().toISOString(), event: 'http.request', service: 'shop', status_code: 200 }
  return `${JSON.stringify({ ...line, path: '/a', ...fields })}\n`
}

describe('lines in memory', () => {
  it('are counted, whatever their lengths and line ends are', async () => {
    const part = record({ length: integer({ min: 0, max: 40_000 }), end: constantFrom('\n', '') })
    const lengths = array(part, { maxLength: 40 })
    await run(
      asyncProperty(lengths, async (parts) => {
        const { files, tail } = new CountedLines(KEPT_BYTES, undefined)
        for (const { length, end } of parts) tail.add(lineOf({ message: 'ñ'.repeat(length) }).trimEnd() + end)
        await tail.poll()
        const summary = summarize(files)
        expect([summary.requests, summary.lines.malformed]).toEqual([parts.length, 0])
      }),
      { numRuns: 100 },
    )
  })

  it('are kept up to a bound, and the newest ones are found by their trace', async () => {
    const { files, tail } = new CountedLines(KEPT_BYTES, undefined)
    const message = 'x'.repeat(1_000)
    for (let index = 0; index < 1_000; index += 1) tail.add(lineOf({ message, trace_id: `trace-${index}` }))
    await tail.poll()
    expect(summarize(files).requests).toBe(1_000)
    expect((await readTrace(files, 'trace-999')).lines).toMatchObject([{ trace_id: 'trace-999' }])
    expect((await readTrace(files, 'trace-960')).lines).toHaveLength(1)
    expect((await readTrace(files, 'trace-900')).lines).toEqual([])
  })

  it('beyond what may wait are lost, counted as lost, and named on the page', async () => {
    const { files, tail } = new CountedLines(KEPT_BYTES, undefined)
    const message = 'x'.repeat(100_000)
    for (let index = 0; index < 50; index += 1) tail.add(lineOf({ message }))
    await tail.poll()
    expect(tail.lost).toBeGreaterThan(5)
    const { requests, files: sources } = summarize(files)
    expect(requests + tail.lost).toBe(50)
    expect(sources[0]?.hints[0]).toMatch(/^\d+ lines were not counted/)
    tail.add(lineOf({}))
    await tail.poll()
    expect(summarize(files).requests).toBe(requests + 1)
  })

  it('are counted in slices, between other work', async () => {
    const { files, tail } = new CountedLines(KEPT_BYTES, undefined)
    for (let index = 0; index < 20_000; index += 1) tail.add(lineOf({}))
    expect(summarize(files).requests).toBe(0)
    // The first slice: the rest waits for the next one.
    await expect.poll(() => summarize(files).requests, { interval: 5 }).toBeGreaterThan(0)
    expect(summarize(files).requests).toBeLessThan(20_000)
    await expect.poll(() => summarize(files).requests, { timeout: 10_000 }).toBe(20_000)
  })
})

describe('MemoryFile', () => {
  it('reads like the bytes that were added', async () => {
    const chunks = array(integer({ min: 1, max: 50 }), { maxLength: 20 })
    const ask = record({ chunks, position: integer({ min: 0, max: 600 }), length: integer({ min: 0, max: 600 }) })
    await run(
      asyncProperty(ask, async ({ chunks, position, length }) => {
        const file = new MemoryFile()
        const all: number[] = []
        for (const size of chunks) {
          const bytes = Array.from({ length: size }, () => all.length % 251)
          all.push(...bytes)
          file.append(Buffer.from(bytes))
        }
        const buffer = Buffer.alloc(length + 3)
        const { bytesRead } = await file.read(buffer, 3, length, position)
        const expected = all.slice(position, position + length)
        expect(bytesRead).toBe(expected.length)
        expect([...buffer.subarray(3, 3 + expected.length)]).toEqual(expected)
        expect(buffer.subarray(3 + expected.length).every((byte) => byte === 0)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
