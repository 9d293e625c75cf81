import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { packed } from '../../../test/packed-state.ts'
import { PackedReader } from '../../packed.ts'
import { TIERS } from '../../timeline.ts'
import { type ErrorGroup, ErrorGroups } from '../error-groups.ts'
import type { LoggedError } from '../logged-error.ts'
import { templateOf } from '../message-template.ts'

const NOW = 1_800_000_000_000
const BASE: LoggedError = {
  at: NOW,
  service: 'inventory',
  route: '/stock/{id}',
  status: 503,
  code: 'DOWN',
  kind: 'technical',
  detail: undefined,
  path: '/stock/1',
  traceId: undefined,
  spanId: undefined,
  isHidden: false,
}

let errors: ErrorGroups
beforeEach(() => {
  errors = new ErrorGroups()
})

const add = (fields: Partial<LoggedError>): void => errors.add({ ...BASE, ...fields }, NOW)

/** The groups that count anything, with their counts. */
function counted(): Map<ErrorGroup, number> {
  const counts = new Map<ErrorGroup, number>()
  for (const [number, { count }] of errors.timeline.total.cells) {
    const { group } = errors.cell(number)
    counts.set(group, (counts.get(group) ?? 0) + count)
  }
  return counts
}

describe('error groups', () => {
  it('moves the errors of one service, and takes a moved one from its new time', () => {
    add({ at: NOW + 90_000, spanId: 'a' })
    add({ at: NOW, service: 'shop' })
    errors.move('inventory', NOW, -90_000, NOW)
    // A second line about the same request, after the move.
    add({ at: NOW, spanId: 'a', detail: 'no answer' })
    const at = [...errors.timeline.between(1_000, NOW - 1_000, NOW + 200_000)].flatMap(([from, { cells }]) =>
      [...cells].map(([cell, { count }]) => [from, errors.cell(cell).group.service, count]),
    )
    expect(at.sort()).toEqual([
      [NOW, 'inventory', 1],
      [NOW, 'shop', 1],
    ])
    const group = errors.all.find(({ service }) => service === 'inventory')
    expect([group?.firstAt, group?.lastAt]).toEqual([NOW, NOW])
  })

  it('takes a moved error from the slot where it is in each tier, although moves are in whole slots', () => {
    add({ at: NOW + 94_400, spanId: 'a' })
    errors.move('inventory', Number.NEGATIVE_INFINITY, -94_400, NOW)
    add({ at: NOW, spanId: 'a', detail: 'no answer' })
    for (const { stepMs } of TIERS) {
      const counts = [...errors.timeline.between(stepMs, NOW - 200_000, NOW + 200_000)].flatMap(([, { cells }]) =>
        [...cells.values()].map(({ count }) => count),
      )
      expect(counts).toEqual([1])
    }
  })

  it('groups by code and by message without its numbers, ids and quoted texts', () => {
    add({ detail: 'no answer from 10.0.0.1:80 after 2000 ms' })
    add({ detail: 'no answer from 10.0.0.2:80 after 1999.5 ms', at: NOW - 5 })
    add({ detail: 'no answer', code: 'OTHER' })
    expect([...counted()].map(([{ code, template }, count]) => [code, template, count])).toEqual([
      ['DOWN', 'no answer from {address} after {n} ms', 2],
      ['OTHER', 'no answer', 1],
    ])
    expect(errors.all[0]).toMatchObject({ firstAt: NOW - 5, lastAt: NOW })
  })

  it.each([true, false])('counts two lines of one request once, whichever line comes first (%s)', (isMessageFirst) => {
    const lines = [{ detail: 'no stock left' }, {}]
    for (const line of isMessageFirst ? lines : lines.toReversed()) add({ ...line, traceId: 't', spanId: 's' })
    expect([...counted()].map(([{ template }, count]) => [template, count])).toEqual([['no stock left', 1]])
  })

  it('counts two requests apart whose ids have the same hash together', () => {
    const [trace, other] = [12_345, 67_890]
    errors.add(BASE, NOW, { span: 1, trace })
    errors.add(BASE, NOW, { span: 1, trace })
    errors.add(BASE, NOW, { span: 1 ^ Math.imul(trace, 31) ^ Math.imul(other, 31), trace: other })
    errors.add({ ...BASE, service: 'shop' }, NOW, { span: 1, trace: other })
    expect([...counted().values()]).toEqual([2, 1])
  })

  it('goes on from a stored state, also with a service and a code that are named like its bounds', () => {
    add({ service: '(other)', code: '(other)' })
    const restored = new ErrorGroups()
    restored.restore(new PackedReader(packed((into) => errors.pack(into, 1_000_000))))
    errors = restored
    add({ service: '(other)', code: '(other)' })
    expect(errors.all.length).toBe(1)
    expect([...counted().values()]).toEqual([2])
  })

  it('keeps the ids of its examples', () => {
    add({ spanId: 'a', traceId: 'b' })
    errors.add(BASE, NOW, { span: 1, trace: 2 }, (known) => ({ ...known, spanId: 'c', traceId: 'd' }))
    const ids = errors.all[0]?.examples.items.map(({ spanId, traceId }) => [spanId, traceId])
    expect(ids).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
  })

  it('counts a request and what its fallback hid as two errors', () => {
    add({ traceId: 't', spanId: 's' })
    add({ traceId: 't', spanId: 's', isHidden: true })
    expect([...counted()].map(([{ isHidden }]) => isHidden)).toEqual([false, true])
  })

  it('loses no error beyond its bounds, and business errors take no room from technical ones', () => {
    for (let code = 0; code < 1_000; code += 1) add({ code: `B${code}`, kind: 'business', route: `/r${code}` })
    for (let code = 0; code < 1_000; code += 1) add({ code: `T${code}`, route: `/r${code}` })
    const counts = [...counted()]
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(2_000)
    expect(counts.filter(([{ kind }]) => kind === 'technical')).toHaveLength(401)
  })

  it('counts every failed request once, in any order of any number of lines about it', () => {
    const line = fc.record({
      span: fc.nat({ max: 20 }),
      detail: fc.constantFrom(undefined, 'a', 'b 1'),
      code: fc.constantFrom(undefined, 'X'),
      ago: fc.nat({ max: 100_000 }),
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        errors = new ErrorGroups()
        for (const { span, detail, code, ago } of lines)
          add({ spanId: `s${span}`, traceId: 't', detail, code, at: NOW - ago })
        const spans = new Set(lines.map(({ span }) => span))
        expect([...counted().values()].reduce((sum, count) => sum + count, 0)).toBe(spans.size)
      }),
    )
  })
})

describe('message templates', () => {
  it.each([
    ['item 42 is missing', 'item {n} is missing'],
    ['trace 9f86d081884c7d65 failed', 'trace {id} failed'],
    ['no user "ada@example.org"', 'no user "{…}"'],
    ["can’t open, don't retry", "can’t open, don't retry"],
    ['the inventory answered 503', 'the inventory answered 503'],
    ['HTTP 404 after 12 ms', 'HTTP 404 after {n} ms'],
    ['at 2026-11-28T14:00:00.123Z', 'at {time}'],
    ['at 0XF00D', 'at {id}'],
    ['10.0.0.7:8000 refused', '{address} refused'],
    ['order 6f1f4c1e-8f1b-4c2a-9d65-0a2b7c9e1d11', 'order {id}'],
    ['two  spaces\tand a tab ', 'two spaces and a tab'],
    ['', ''],
  ])('makes %s to %s', (message, template) => {
    expect(templateOf(message)).toBe(template)
  })

  it('takes little time for a hostile message', () => {
    const started = performance.now()
    for (const part of ['1', '"', "'", 'a', '1.', 'ab1-', ' '])
      for (let i = 0; i < 300; i += 1) templateOf(part.repeat(300))
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
