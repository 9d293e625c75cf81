import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { healthOf } from '../../report/health.ts'
import { partsOf, rangeOf } from '../../report/view.ts'
import { createTestLog, type TestLog } from '../../test/setup.ts'
import type { ErrorLine } from '../journal.ts'
import { LatestErrors } from '../latest-errors.ts'

const error = (at: number, kind: 'business' | 'technical', more: Partial<ErrorLine> = {}): ErrorLine => ({
  at,
  kind,
  service: 's',
  status: undefined,
  code: undefined,
  detail: undefined,
  ref: undefined,
  route: undefined,
  path: undefined,
  traceId: undefined,
  spanId: undefined,
  isHidden: false,
  ...more,
})

describe('the list of errors', () => {
  it('keeps every technical error that fits, whatever business errors there are', () => {
    const kinds = fc.array(fc.constantFrom('business' as const, 'technical' as const), { maxLength: 60 })
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 20 }), (all, max) => {
        const list = new LatestErrors(max)
        const errors = all.map((kind, at) => error(at, kind))
        for (const one of errors) if (list.accepts(one.kind, one.at)) list.add(one)
        const technical = errors.filter(({ kind }) => kind === 'technical').slice(-max)
        const business = errors.filter(({ kind }) => kind === 'business')
        const room = max - technical.length
        expect(list.items.filter(({ kind }) => kind === 'technical')).toEqual(technical)
        expect(list.items.filter(({ kind }) => kind === 'business')).toEqual(room === 0 ? [] : business.slice(-room))
        expect(list.items).toEqual(list.items.toSorted((a, b) => a.at - b.at))
      }),
      { numRuns: 500 },
    )
  })

  it('adds a missing detail to the error of the same request, also if its kind differs', () => {
    const list = new LatestErrors(10)
    list.add(error(1, 'business', { spanId: 'a', status: 404 }))
    list.add(error(2, 'technical', { spanId: 'a', detail: 'why' }))
    expect(list.items).toMatchObject([{ at: 1, kind: 'business', status: 404, detail: 'why' }])
  })
})

describe('the errors on the page', () => {
  let log: TestLog
  beforeEach(async () => {
    log = await createTestLog('shop.jsonl')
  })
  afterEach(() => log.remove())

  it('show a technical error before a wave of 4xx', async () => {
    const request = { event: 'http.request', status_code: 404, error_code: 'NOT_FOUND' }
    await log.append({ ...request, status_code: 503, error_code: 'UPSTREAM_ERROR' })
    await log.append(...Array.from({ length: 500 }, () => request))
    const now = Date.now()
    const { errors } = partsOf(log.files, rangeOf(log.files, 900, now), healthOf(log.files, now))
    expect(errors).toHaveLength(50)
    expect(errors).toContainEqual(expect.objectContaining({ code: 'UPSTREAM_ERROR' }))
  })
})
