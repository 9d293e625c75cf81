import { appendFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { searchHistory } from '../history.ts'
import { queryOf } from '../query.ts'
import { type History, historyOf, requestLine } from './setup.ts'

let history: History | undefined
afterEach(async () => {
  await history?.remove()
  history = undefined
})

const START = Date.parse('2026-11-28T14:00:00.000Z')
const at = (second: number): string => new Date(START + second * 1_000).toISOString()

/** Counts the bytes that are read from the first file from now on. */
function countReads({ files }: History): () => number {
  const file = files.all[0]?.log.openLogs[0]?.file
  if (file === undefined) throw new Error('no file is open')
  const read = file.read.bind(file) as (...args: unknown[]) => Promise<{ readonly bytesRead: number }>
  let bytes = 0
  const counting = async (...args: unknown[]): Promise<{ readonly bytesRead: number }> => {
    const result = await read(...args)
    bytes += result.bytesRead
    return result
  }
  Object.assign(file, { read: counting })
  return () => bytes
}

async function messages(query: string, limit?: number): Promise<readonly (string | null)[]> {
  return ((await history?.all(query, limit)) ?? []).map(({ message }) => message)
}

describe('a search over the files', () => {
  it('finds old lines, newest first, merged by time over files, also rotated and compressed ones', async () => {
    const line = (second: number, message: string): string => requestLine({ timestamp: at(second), message })
    history = await historyOf({
      'a.log': line(1, 'one') + line(4, 'four'),
      'b.log': line(2, 'two') + line(6, 'six'),
      'c.log.gz': gzipSync(line(3, 'three') + line(5, 'five')),
    })
    const { folder, files } = history
    await rename(join(folder, 'a.log'), join(folder, 'a.log.1'))
    await writeFile(join(folder, 'a.log'), line(7, 'seven'))
    await files.poll()
    const expected = ['seven', 'six', 'five', 'four', 'three', 'two', 'one']
    expect(await messages('')).toEqual(expected)
    for (const limit of [1, 2, 3]) expect(await messages('status:200', limit)).toEqual(expected)
  })

  it('compares a field with more values than a call takes arguments', async () => {
    const list = new Array<number>(200_000).fill(1)
    history = await historyOf({
      'a.log': requestLine({ timestamp: at(1), message: 'long', list, deep: { list } }),
      'b.log': requestLine({ timestamp: at(2), message: 'short', list: 2 }),
    })
    expect(await messages('list:2')).toEqual(['short'])
    expect(await messages('deep.list:1')).toEqual(['long'])
  })

  it('sends no part of a line that has no bound', async () => {
    const long = 'é'.repeat(400_000)
    const fields = ['message', 'path', 'route', 'service', 'error_code', 'trace_id', 'event', 'method', 'log_level']
    history = await historyOf({
      'a.log': fields.map((name) => requestLine({ timestamp: at(1), detail: 'long', [name]: long })).join(''),
    })
    const found = await history.all('long')
    expect(found).toHaveLength(fields.length)
    for (const line of found) expect(JSON.stringify(line).length).toBeLessThan(1_000)
  })

  it('equals a filter over all lines, whatever the limit is', async () => {
    const word = fc.constantFrom('timeout', 'Zeit', 'café', 'a"b', 'x/y', '503', 'İstanbul', 'kelvin', '')
    const entry = fc.record({
      service: fc.constantFrom('shop', 'Inventory', undefined),
      status_code: fc.constantFrom(200, 404, 503, undefined),
      latency_ms: fc.double({ min: 0, max: 500, noNaN: true }),
      message: fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')),
      log_level: fc.constantFrom('info', 'warn', 'error', 50),
      extra: fc.constantFrom({ size: 7 }, 'text', null),
    })
    type Entry = { service?: string; status_code?: number; latency_ms: number; message: string; log_level: unknown }
    const level = (written: unknown): string =>
      written === 'warn' ? 'warning' : written === 50 ? 'error' : `${written}`
    const filters: readonly (readonly [string, (entry: Entry, service: string) => boolean])[] = [
      ['timeout', ({ message }) => message.includes('timeout')],
      ['ZEIT', ({ message }) => message.includes('Zeit')],
      ['"caf\u00c9"', ({ message }) => message.includes('café')],
      ['-timeout', ({ message }) => !message.includes('timeout')],
      ['message:"a\\"b"', ({ message }) => message.includes('a"b')],
      ['x/y', ({ message }) => message.includes('x/y')],
      ['kelvin', ({ message }) => message.includes('kelvin')],
      ['service:inventory', (_, service) => service === 'Inventory'],
      ['service:file0', (_, service) => service === 'file0'],
      ['status:5xx', ({ status_code = 0 }) => status_code >= 500],
      ['status:>=404', ({ status_code = 0 }) => status_code >= 404],
      ['-status:200', ({ status_code }) => status_code !== 200],
      ['latency:>250ms', ({ latency_ms }) => latency_ms > 250],
      ['level:warning', ({ log_level }) => level(log_level) === 'warning'],
      ['warning', ({ log_level }) => level(log_level) === 'warning'],
      ['error', ({ log_level }) => level(log_level) === 'error'],
      ['file1', (_, service) => service === 'file1'],
      ['level>=error', ({ log_level }) => level(log_level) === 'error'],
      ['extra.size:7', (entry) => (entry as { extra?: { size?: number } }).extra?.size === 7],
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(entry, { maxLength: 30 }), { minLength: 1, maxLength: 3 }),
        fc.subarray([...filters], { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (written, chosen, limit, isEscaped) => {
          const json = (value: object): string => {
            const text = JSON.stringify(value)
            return isEscaped ? text.replace(/t/g, '\\u0074') : text
          }
          let second = 0
          const all = written.flatMap((entries, file) =>
            entries.map((one) => {
              second += 1
              return { file, id: second, ...one, event: 'http.request', timestamp: at(second) }
            }),
          )
          const shuffled = new Map(written.map((_, file) => [`file${file}.log`, '']))
          for (const { file, ...one } of all)
            shuffled.set(`file${file}.log`, `${shuffled.get(`file${file}.log`)}${json(one)}\n`)
          const tested = await historyOf(Object.fromEntries(shuffled))
          try {
            const query = chosen.map(([text]) => text).join(' ')
            const found = await tested.all(query, limit)
            const expected = all
              .filter((one) => chosen.every(([, test]) => test(one as Entry, one.service ?? `file${one.file}`)))
              .toReversed()
            expect(found.map((line) => line.at)).toEqual(expected.map(({ timestamp }) => timestamp))
          } finally {
            await tested.remove()
          }
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)

  it('loses and repeats nothing where times jump, blocks end and lines are long', async () => {
    const lines = Array.from({ length: 4_000 }, (_, index) =>
      requestLine({ timestamp: at((index * 7_919) % 3_000), id: index, pad: 'x'.repeat((index * 31) % 900) }),
    )
    lines.splice(2_000, 0, requestLine({ timestamp: at(1), id: 'long', pad: 'y'.repeat(900_000) }))
    lines.splice(1_000, 0, requestLine({ timestamp: at(1), id: 'too-long', pad: 'y'.repeat(1_100_000) }))
    history = await historyOf({ 'shop.log': lines.join('') })
    expect(await messages('method:GET', 333)).toHaveLength(4_001)
    expect(await messages('id:long')).toHaveLength(1)
    const odd = await messages('service:shop -id:long', 97)
    expect(odd).toHaveLength(4_000)
  })

  it('reads each record of a line with several, and lines that a container runtime split', async () => {
    const record = (id: number): object => ({
      timeUnixNano: `${START + id}000000`,
      body: { stringValue: `record ${id}` },
    })
    const otlp = { resourceLogs: [{ scopeLogs: [{ logRecords: [1, 2, 3, 4, 5].map(record) }] }] }
    const part = (second: number, tag: string, text: string): string => `${at(second)} stdout ${tag} ${text}\n`
    const split = (id: number): string => {
      const json = requestLine({ timestamp: at(id), message: `split ${id}` }).trim()
      return part(id, 'P', json.slice(0, 30)) + part(id, 'F', json.slice(30))
    }
    history = await historyOf({
      'otlp.log': `${JSON.stringify(otlp)}\n`,
      'cri.log': [1, 2, 3, 4].map(split).join(''),
    })
    const expected = [5, 4, 3, 2, 1].map((id) => `record ${id}`)
    for (const limit of [1, 2, 9]) expect(await messages('record', limit)).toEqual(expected)
    for (const limit of [1, 3]) expect(await messages('split', limit)).toEqual([4, 3, 2, 1].map((id) => `split ${id}`))
  })

  it('does not count what it reads again', async () => {
    history = await historyOf({ 'zap.log': '{"level":"info","ts":1764338400,"msg":"x","status":200,"duration":5}\n' })
    const [source] = history.files.all
    const before = { doubts: [...(source?.log.doubts ?? [])], wrappers: [...(source?.log.wrappers ?? [])] }
    await history.all('')
    await history.all('x')
    expect({ doubts: [...(source?.log.doubts ?? [])], wrappers: [...(source?.log.wrappers ?? [])] }).toEqual(before)
  })

  it('leaves out a line that is still being written', async () => {
    history = await historyOf({ 'shop.log': requestLine({ timestamp: at(1), message: 'one' }) })
    await appendFile(join(history.folder, 'shop.log'), requestLine({ timestamp: at(2), message: 'two' }).trim())
    await history.files.poll()
    expect(await messages('')).toEqual(['one'])
    await appendFile(join(history.folder, 'shop.log'), '\n')
    await history.files.poll()
    expect(await messages('')).toEqual(['two', 'one'])
  })

  it('does not show lines that were added after the search began, and says if a file was truncated', async () => {
    const line = (second: number): string => requestLine({ timestamp: at(second), message: `${second}` })
    history = await historyOf({ 'shop.log': line(1) + line(2) + line(3) })
    const first = await history.page('', 1)
    await appendFile(join(history.folder, 'shop.log'), line(4))
    await history.files.poll()
    const second = await history.page('', 1, first.next)
    expect([first, second].map(({ lines }) => lines[0]?.message)).toEqual(['3', '2'])
    await truncate(join(history.folder, 'shop.log'), 0)
    await appendFile(join(history.folder, 'shop.log'), line(9))
    await history.files.poll()
    expect((await history.page('', 9, second.next)).lines).toEqual([])
    expect(await messages('')).toEqual(['9'])
  })

  it('reads only what can lie between `from` and `to`', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => requestLine({ timestamp: at(index * 10), id: index }))
    history = await historyOf({ 'shop.log': lines.join('') })
    const bytes = countReads(history)
    expect(await messages(`from:${at(190_000)} to:${at(190_020)}`)).toHaveLength(2)
    expect(bytes()).toBeLessThan(1_000_000)
    expect(lines.join('').length).toBeGreaterThan(2_500_000)
  })

  it('stops reading once it is cancelled, and lets other work run', async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => requestLine({ timestamp: at(index), id: index }))
    history = await historyOf({ 'shop.log': lines.join('') })
    const controller = new AbortController()
    const bytes = countReads(history)
    const searching = searchHistory(history.files, {
      terms: queryOf('latency:>1h', Date.now()).terms,
      limit: 100,
      from: undefined,
      signal: controller.signal,
      timeoutMs: 60_000,
      onLine: () => {},
      // A timer fires only if the search lets it.
      onProgress: () => void setTimeout(() => controller.abort(new Error('cancelled')), 0),
    })
    await expect(searching).rejects.toThrow('cancelled')
    const read = bytes()
    expect(read).toBeLessThan(lines.join('').length / 2)
    await delay(50)
    expect(bytes()).toBe(read)
  })
})
