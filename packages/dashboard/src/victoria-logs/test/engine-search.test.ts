import { describe, expect, it } from 'vitest'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import { queryOf } from '../../search/query.ts'
import type { EngineClient, Row } from '../engine-client.ts'
import { engineFields } from '../engine-fields.ts'
import { EngineLines } from '../engine-line.ts'
import { searchEngine } from '../engine-search.ts'
import { LinePlaces } from '../line-places.ts'
import { filterOf } from '../query-filter.ts'

const NOW = Date.parse('2026-11-28T14:00:00Z')
const FIELDS = engineFields(UNDECLARED)

/** An engine with these rows. It knows only times and limits. */
function engineOf(all: readonly Row[], asked: string[] = []): EngineClient {
  const rows = async (query: string, { limit = 0 }: { readonly limit?: number } = {}): Promise<readonly Row[]> => {
    asked.push(query)
    const [, from = '', to = ''] = /_time:\[([^,]+), ([^\]]+)\]/.exec(query) ?? []
    const within = all.filter(({ _time = '' }) => _time >= from.replace('Z', '') && _time <= to)
    return within.toSorted((a, b) => ((a['_time'] ?? '') < (b['_time'] ?? '') ? 1 : -1)).slice(0, limit)
  }
  return { rows, missing: [] } as unknown as EngineClient
}

const row = (time: string, detail: string): Row => ({
  ...{ _time: time, _msg: 'job', log_level: 'info', service: 'shop', detail },
})

async function search(engine: EngineClient, limit: number, from?: unknown) {
  const found: string[] = []
  const lines = new EngineLines(UNDECLARED, 'http://engine')
  const end = await searchEngine(
    engine,
    FIELDS,
    lines,
    new LinePlaces(),
    {
      ...{ terms: [], limit, from, signal: new AbortController().signal, timeoutMs: 5_000 },
      onLine: ({ message }) => found.push(message ?? ''),
    },
    NOW,
  )
  return { found, next: end.next }
}

describe('a search among lines that are equal', () => {
  const equal = Array.from({ length: 1_000 }, () => row('2026-11-28T13:59:50.000Z', 'same'))
  const older = Array.from({ length: 5 }, (_, at) => row(`2026-11-28T13:59:4${at}.000Z`, 'older'))

  it('finds each of them, and what is older', async () => {
    const asked: string[] = []
    const { found, next } = await search(engineOf([...equal, ...older], asked), 5_000)
    expect([found.length, next, asked.length < 50]).toEqual([1_005, undefined, true])
  })

  it('continues where it ended, as often as it is asked to', async () => {
    const engine = engineOf([...equal, ...older])
    const first = await search(engine, 300)
    expect(first.found.length).toBe(300)
    for (const _ of [1, 2]) expect((await search(engine, 5_000, first.next)).found.length).toBe(705)
  })
})

it.each(['constructor', '__proto__', 'tostring', 'hasownproperty'])('asks for the field %s by its name', (name) => {
  const { terms } = queryOf(`${name}:a`, NOW)
  expect(filterOf(terms, FIELDS)).toBe(`"${name}":~"(?i)^a$"`)
})

it('keeps a field that is named like the prototype', () => {
  const lines = new EngineLines(UNDECLARED, 'http://engine')
  const found = lines.read(JSON.parse('{"_time":"2026-11-28T14:00:00Z","_msg":"a","log_level":"info","__proto__":"x"}'))
  expect(Object.entries(JSON.parse(found?.raw ?? '{}') as object)).toContainEqual(['__proto__', 'x'])
})
