import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { OddLines } from '../../lines/scan/test/odd-lines.ts'
import { storedBy } from '../../test/packed-state.ts'
import { FileLog } from '../file-log.ts'
import { Journal } from '../journal.ts'

const LINES = Number(process.env['ESCUDO_COUNTED_LINES'] ?? 12_000)
const NOW = 1_794_100_000_000
const NEWLINE = Buffer.from('\n')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Counts lines, and returns all that is known then. Lines that are read together are scanned. */
function counted(reads: readonly Buffer[]): { readonly state: unknown; readonly scanned: number } {
  const journal = new Journal(() => NOW)
  const log = new FileLog('shop.jsonl', journal)
  let end = 0
  for (const bytes of reads) {
    end += bytes.length
    log.push(bytes, end)
  }
  journal.settleClocks()
  const { scanned, ...facts } = log.facts
  // A line without a time is shown among those that were read before it, and scanned lines are shown together.
  const { tail: _, ...state } = storedBy(journal)
  return { state: { facts, formats: log.facts.formats, ...state }, scanned }
}

it.each([1, 2, 3])(
  'lines are counted in the same way whether they are scanned or not, with their errors (seed %i)',
  (seed) => {
    const odd = new OddLines(seed)
    const lines = Array.from({ length: LINES }, () => Buffer.concat([odd.next(), NEWLINE]))
    const [together, apart] = [counted([Buffer.concat(lines)]), counted(lines)]
    expect(apart.scanned).toBe(0)
    expect(together.scanned).toBeGreaterThan(LINES / 10)
    expect(together.state).toEqual(apart.state)
  },
)

it('two lines about a failed request are one error, however long its ids are', () => {
  const ids = `"trace_id":"${'a'.repeat(150)}","span_id":"${'b'.repeat(120)}"`
  const start = `{"timestamp":"2026-11-01T10:00:00.000Z","service":"shop",${ids},"status_code":503`
  const usual = `{"timestamp":"2026-11-01T10:00:00.000Z","status_code":200,"event":"http.request"}`
  const texts = [usual, usual, `${start},"event":"http.request"}`, `${start},"event":"http_error","message":"down"}`]
  const lines = texts.map((text) => Buffer.from(`${text}\n`))
  const [together, apart] = [counted([Buffer.concat(lines)]), counted(lines)]
  expect([together.scanned, apart.scanned]).toEqual([2, 0])
  expect(together.state).toEqual(apart.state)
  const { errorGroups } = together.state as { readonly errorGroups: { readonly cells: readonly unknown[] } }
  expect(errorGroups.cells).toHaveLength(2)
})

it('the memory of lines that were counted is free', async () => {
  const journal = new Journal(() => NOW)
  const log = new FileLog('shop.jsonl', journal)
  const push = (): WeakRef<Buffer> => {
    const line = `{"timestamp":"${new Date(NOW).toISOString()}","span_id":"a1","status_code":503,"event":"http.request"}\n`
    const bytes = Buffer.from(line.repeat(1_000))
    log.push(bytes, bytes.length)
    return new WeakRef(bytes)
  }
  const bytes = push()
  expect(log.facts.scanned).toBeGreaterThan(900)
  // A reference that was just made or read keeps its target until the next turn.
  await delay(0)
  collect()
  expect(bytes.deref()).toBeUndefined()
})
