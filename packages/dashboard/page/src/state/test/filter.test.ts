import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TailLine } from '../../../../src/journal/journal.ts'
import { queryOf, type Term, withField } from '../../../../src/search/query.ts'
import { passes } from '../filter.ts'

const LINE: TailLine = {
  id: 1,
  at: 0,
  service: 'potion-shop',
  route: undefined,
  level: 'error',
  text: 'GET /items timeout of inventory',
  status: 503,
  latencyMs: 120,
  traceId: '4bf9',
  ref: undefined,
  fields: { remote_addr: '10.0.0.7', 'res.bytes': '512', long: `${'x'.repeat(79)}…` },
}

function termsOf(filter: string): readonly Term[] {
  return queryOf(filter, 0).terms
}

function matches(filter: string): boolean {
  return passes(LINE, termsOf(filter))
}

describe('a filter', () => {
  it('finds words anywhere, fields by name, and numbers by comparison', () => {
    for (const filter of [
      '',
      'timeout 503',
      'POTION',
      'service:potion-shop',
      'level:ERROR status>=500',
      'status:503 latency>100 latency<=120',
      'status_code:503',
      'remote_addr:10.0.0.7',
      'res.bytes>500',
      '"timeout of inventory"',
      'message:"timeout of"',
      'trace:4bf9',
      '10.0.0.7',
      `long:${'x'.repeat(120)}`,
    ])
      expect([filter, matches(filter)]).toEqual([filter, true])
    for (const filter of ['service:potion', 'status<500', 'remote_addr:10.0.0', 'other:1', 'nothing', 'latency>abc'])
      expect([filter, matches(filter)]).toEqual([filter, false])
  })

  it('is not confused by names of JavaScript', () => {
    expect(matches('constructor:x __proto__:x')).toBe(false)
  })

  it('has the field that was added, and keeps the rest', () => {
    expect(withField('timeout service:shop', 'service', 'inventory')).toBe('timeout service:inventory')
    expect(withField('', 'message', 'a "quoted" \\ text')).toBe('message:"a \\"quoted\\" \\\\ text"')
  })

  it('reads back any value that was added', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'grapheme' }), (value, other) => {
        const line = { ...LINE, fields: { name: value } }
        const filter = withField(withField('', 'name', other), 'name', value)
        expect(termsOf(filter)).toHaveLength(1)
        expect(passes(line, termsOf(filter))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
