import { appendFile, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readTrace } from '../../report/read-trace.ts'
import { summarize } from '../../report/summary.ts'
import { writeAwkwardLog } from '../../test/awkward-log.ts'
import { begin, countedBy, fresh, NOW, run, withoutCalls } from './setup.ts'

let folder: string
let cache: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-cache-'))
  cache = join(folder, 'cache')
  path = join(folder, 'shop.jsonl')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const id = (value: number): string => value.toString(16).padStart(16, '0')

/** Requests of a few services, calls between them, and failures. */
function linesOf(from: number, to: number): string {
  let text = ''
  for (let number = from; number < to; number += 1)
    text += `${JSON.stringify({
      timestamp: new Date(NOW - 600_000 + number * 5).toISOString(),
      service: `s${number % 3}`,
      trace_id: id(number >> 2),
      span_id: id(number),
      parent_span_id: number % 4 === 0 ? undefined : id(number - 1),
      path: `/items/${number}`,
      status_code: number % 50 === 0 ? 503 : 200,
      latency_ms: (number % 997) / 8,
      event: 'http.request',
    })}\n`
  return text
}

const stored = async (): Promise<string> => {
  const [name = ''] = await readdir(cache)
  return join(cache, name)
}

describe('a run after another one on the same files', () => {
  it('goes on from what the first one stored, and counts the same', async () => {
    await writeAwkwardLog(path, 4_000, 3)
    const first = await run([path], cache)
    const second = await begin([path], cache)
    expect(second.hasRestored).toBe(true)
    expect(countedBy(second.files)).toEqual(first.counted)
    await second.files.readAll()
    expect(countedBy(second.files)).toEqual(first.counted)
    expect(await fresh([path])).toEqual(first.counted)
    await second.files.end()
  })

  it.each([
    ['a few lines', 10],
    ['so much that it is read from its end', 30_000],
  ])('counts each line once if the file grew by %s', async (_, more) => {
    await writeFile(path, linesOf(0, 3_000))
    // The last line is unfinished.
    const [begun = '', rest = ''] = [linesOf(3_000, 3_001).slice(0, 50), linesOf(3_000, 3_001).slice(50)]
    await appendFile(path, begun)
    await run([path], cache)
    await appendFile(path, rest + linesOf(3_001, 3_001 + more))
    const again = await run([path], cache)
    expect(again.hasRestored).toBe(true)
    expect(withoutCalls(again.counted)).toEqual(withoutCalls(await fresh([path])))
    expect(summarize(again.files).requests).toBe(3_001 + more)
  })

  it('goes on with a backfill that was interrupted, also after the file grew', async () => {
    await writeFile(path, linesOf(0, 40_000))
    const first = await begin([path], cache)
    await first.files.poll()
    await first.files.backfill()
    first.cache.end()
    await first.files.end()
    const { requests } = summarize(first.files)
    expect(requests).toBeLessThan(30_000)
    await appendFile(path, linesOf(40_000, 65_000))
    const second = await begin([path], cache)
    expect(summarize(second.files).requests).toBe(requests)
    await second.files.readAll()
    expect(withoutCalls(countedBy(second.files))).toEqual(withoutCalls(await fresh([path])))
    expect(summarize(second.files).requests).toBe(65_000)
    await second.files.end()
  })

  it('finds the lines of traces and errors that the first one read', async () => {
    await writeFile(path, linesOf(0, 30_000))
    await run([path], cache)
    await appendFile(path, linesOf(30_000, 60_000))
    const { files } = await begin([path], cache)
    await files.readAll()
    for (const trace of [0, 5_000, 7_499, 7_500, 12_000, 14_999])
      expect((await readTrace(files, id(trace)))?.lines.length).toBe(4)
    for (const { ref } of files.journal.errors.items) expect(files.all[0]?.log.openLog(ref?.[0] ?? 0)).toBeDefined()
    await files.end()
  })

  it('follows a file under its new name if rotation renamed it, and reads the new one', async () => {
    await writeFile(path, linesOf(0, 1_000))
    const pattern = join(folder, 'shop.jsonl*')
    await run([pattern], cache)
    await appendFile(path, linesOf(1_000, 1_010))
    await rename(path, `${path}.1`)
    await writeFile(path, linesOf(1_010, 1_500))
    const second = await run([pattern], cache)
    expect([second.hasRestored, summarize(second.files).requests]).toEqual([true, 1_500])
    await rename(`${path}.1`, `${path}.2`)
    await rename(path, `${path}.1`)
    await writeFile(path, linesOf(1_500, 1_600))
    const third = await run([pattern], cache)
    expect([third.hasRestored, summarize(third.files).requests]).toEqual([true, 1_600])
  })

  it('reads the files again if they do not hold all counted lines any more, and says so once', async () => {
    const changes: readonly (readonly [string, () => Promise<void>])[] = [
      ['a file with another name', () => rename(path, `${path}.1`).then(() => writeFile(path, linesOf(0, 5)))],
      ['truncated', () => truncate(path, 1_000)],
      ['truncated and grown', () => truncate(path).then(() => writeFile(path, linesOf(5_000, 6_000)))],
      ['the same beginning', () => writeFile(path, linesOf(0, 20) + linesOf(7_000, 9_000))],
      ['gone', () => rm(path)],
    ]
    for (const [what, change] of changes) {
      await writeFile(path, linesOf(0, 500))
      await run([path], cache)
      await change()
      const again = await run([path], cache)
      expect([what, again.hasRestored, again.problems.length]).toEqual([what, false, 1])
      expect(again.problems[0]).toMatch(/read again: .*(gone|changed)/)
      expect(again.counted).toEqual(await fresh([path]))
    }
  })

  it('looks at the first bytes of a file that was empty before', async () => {
    const other = join(folder, 'web.jsonl')
    await writeFile(path, linesOf(0, 100))
    await writeFile(other, '')
    await run([path, other], cache)
    await appendFile(other, Buffer.from(`\uFEFF${linesOf(0, 5)}`, 'utf16le'))
    const again = await begin([path, other], cache)
    await again.files.readAll()
    expect([again.hasRestored, again.files.all[1]?.log.facts.unread?.reason]).toEqual([true, 'utf-16'])
    await again.files.end()
  })

  it('stores nothing once a file was truncated: its first lines are in no file any more', async () => {
    await writeFile(path, linesOf(0, 500))
    const first = await begin([path], cache)
    await first.files.poll()
    await truncate(path)
    await first.files.poll()
    await appendFile(path, linesOf(500, 600))
    await first.files.poll()
    expect(summarize(first.files).requests).toBe(600)
    first.cache.end()
    await first.files.end()
    const second = await run([path], cache)
    expect([second.hasRestored, summarize(second.files).requests]).toEqual([false, 100])
  })
})

describe('a stored state that cannot be used', () => {
  it('is ignored wherever it is damaged', { timeout: 60_000 }, async () => {
    await writeFile(path, linesOf(0, 300))
    await run([path], cache)
    const file = await stored()
    const whole = await readFile(file)
    const check = async (bytes: Buffer): Promise<void> => {
      await writeFile(file, bytes)
      const { hasRestored, problems, files } = await begin([path], cache)
      await files.readAll()
      expect([hasRestored, problems.length, summarize(files).requests]).toEqual([false, 1, 300])
      await files.end()
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ change
        await check(bytes)
        await check(whole.subarray(0, at))
      }),
      { numRuns: 40 },
    )
    await writeFile(
      file,
      Buffer.from(whole.toString('latin1').replace(/^escudo-dashboard \d+ /, 'escudo-dashboard 99 '), 'latin1'),
    )
    const { problems } = await begin([path], cache)
    expect(problems[0]).toMatch(/another version/)
  })

  it('is stored right after the first reading, although there was nothing to store before', async () => {
    await writeFile(path, linesOf(0, 300))
    const { files, cache: one } = await begin([path], cache)
    await one.store()
    await files.readAll()
    await one.store()
    await files.end()
    const { files: restarted } = await begin([path], cache)
    expect(summarize(restarted).requests).toBe(300)
    await restarted.end()
  })

  it('is not looked for all the time once it cannot be stored', async () => {
    await writeFile(path, linesOf(0, 300))
    const { files, cache: one } = await begin([path], cache)
    await files.readAll()
    await truncate(path)
    await files.poll()
    const state = vi.spyOn(files, 'state')
    for (let turn = 0; turn < 5; turn += 1) await one.store()
    expect(state.mock.calls.length).toBe(1)
    await files.end()
  })

  it('is not written into a folder that cannot be written; that is said once', async () => {
    await writeFile(path, linesOf(0, 300))
    await writeFile(cache, 'no folder')
    const { files, cache: broken, problems } = await begin([path], join(cache, 'below'))
    await files.readAll()
    const before = problems.length
    broken.end()
    await appendFile(path, linesOf(300, 301))
    await files.poll()
    broken.end()
    expect(problems.length - before).toBe(1)
    expect(problems.at(-1)).toMatch(/is not stored/)
    expect(summarize(files).requests).toBe(301)
    await files.end()
  })
})

it('two dashboards store the state of one file without harm to each other', async () => {
  await writeFile(path, linesOf(0, 2_000))
  const both = [await begin([path], cache), await begin([path], cache)]
  for (let round = 1; round <= 10; round += 1) {
    await appendFile(path, linesOf(2_000 + round * 10 - 10, 2_000 + round * 10))
    await Promise.all(both.map(({ files }) => files.poll()))
    for (const { cache: one } of both) one.end()
    const third = await begin([path], cache)
    expect([third.hasRestored, summarize(third.files).requests]).toEqual([true, 2_000 + round * 10])
    await third.files.end()
  }
  for (const { files, problems } of both) {
    expect(problems).toEqual([])
    await files.end()
  }
})
