import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { continueTrace, formatTraceparent, newSpanId, newTraceId, parseTraceparent } from '../trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${SPAN}-01`

test('parses version 00: trace id, span id, flags', () => {
  expect(parseTraceparent(VALID)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1 })
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.traceFlags).toBe(255)
})

test('parses a higher version, even if it continues after a further dash', () => {
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-00`)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 0 })
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`)?.traceId).toBe(TRACE)
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-`)?.traceId).toBe(TRACE)
})

test.each([
  ['version 00 with more than 55 characters', `${VALID}-more`],
  ['version 00 with a dash at its end', `${VALID}-`],
  ['a higher version that continues without a dash', `cc-${TRACE}-${SPAN}-01what`],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['an upper case trace id', VALID.toUpperCase()],
  ['an upper case version', `0A-${TRACE}-${SPAN}-01`],
  ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a short span id', `00-${TRACE}-${SPAN.slice(1)}-01`],
  ['flags of one digit', `00-${TRACE}-${SPAN}-1`],
  ['no flags', `00-${TRACE}-${SPAN}`],
  ['a letter that is no hexadecimal digit', `00-${TRACE.replace('4', 'g')}-${SPAN}-01`],
  ['a leading space', ` ${VALID}`],
  ['a trailing space', `${VALID} `],
  ['a trailing line break', `${VALID}\n`],
  ['two headers in one', `${VALID}, ${VALID}`],
  ['empty text', ''],
  ['more than 512 characters', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(500)}`],
])('rejects %s', (_what, header) => {
  expect(parseTraceparent(header)).toBeUndefined()
})

test.each([undefined, null, 5, [VALID], { toString: () => VALID }])('rejects %s, which is no text', (header) => {
  expect(parseTraceparent(header)).toBeUndefined()
})

test('parses every header that it formats', () => {
  const hex = (length: number): fc.Arbitrary<string> =>
    fc
      .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
      .map((digits) => digits.join(''))
      .filter((digits) => /[^0]/.test(digits))
  fc.assert(
    fc.property(hex(32), hex(16), fc.nat(255), (traceId, spanId, traceFlags) => {
      const header = formatTraceparent({ traceId, spanId, traceFlags })
      expect(header).toHaveLength(55)
      expect(parseTraceparent(header)).toEqual({ traceId, spanId, traceFlags: traceFlags & 3 })
    }),
  )
})

test.each([
  ['00', '00'],
  ['01', '01'],
  ['02', '02'],
  ['03', '03'],
  ['04', '00'],
  ['fd', '01'],
  ['fe', '02'],
  ['ff', '03'],
])('passes on only the flags sampled and random: %s becomes %s', (inbound, outgoing) => {
  for (const version of ['00', 'cc']) {
    const context = continueTrace({ traceparent: `${version}-${TRACE}-${SPAN}-${inbound}` })
    expect(formatTraceparent(context)).toBe(`00-${TRACE}-${context.spanId}-${outgoing}`)
  }
})

test('never throws for any value of a header', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.anything()), (header) => {
      const { traceId } = continueTrace({ traceparent: header, tracestate: header, baggage: header })
      expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    }),
  )
})

test('continues an inbound trace with the same trace id, its span as parent, and a new span', () => {
  const context = continueTrace({ traceparent: `00-${TRACE}-${SPAN}-00`, tracestate: 'a=1', baggage: 'user=7' })
  expect(context).toMatchObject({
    traceId: TRACE,
    parentSpanId: SPAN,
    traceFlags: 0,
    traceState: 'a=1',
    baggage: 'user=7',
  })
  expect(context.spanId).toMatch(/^[0-9a-f]{16}$/)
  expect(context.spanId).not.toBe(SPAN)
})

test('starts a new trace without a valid traceparent, and ignores the other headers', () => {
  const context = continueTrace({ traceparent: 'garbage', tracestate: 'a=1', baggage: 'user=7' })
  expect(context).toEqual({
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    traceFlags: 1,
  })
})

test('continues the trace and drops a state or baggage above its bound', () => {
  const context = continueTrace({ traceparent: VALID, tracestate: 'x'.repeat(513), baggage: 'y'.repeat(8_193) })
  expect([context.traceId, context.traceState, context.baggage]).toEqual([TRACE, undefined, undefined])
  const fits = continueTrace({ traceparent: VALID, tracestate: 'x'.repeat(512), baggage: 'y'.repeat(8_192) })
  expect([fits.traceState?.length, fits.baggage?.length]).toEqual([512, 8_192])
})

test('new ids are well formed, never zero, and never the same', () => {
  const ids = Array.from({ length: 5_000 }, () => newTraceId())
  const spans = Array.from({ length: 5_000 }, () => newSpanId())
  for (const id of ids) expect(id).toMatch(/^(?!0{32}$)[0-9a-f]{32}$/)
  for (const id of spans) expect(id).toMatch(/^(?!0{16}$)[0-9a-f]{16}$/)
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(spans).size).toBe(spans.length)
})

test('ids have the right form, and none repeats over many fillings of the pool', () => {
  const traces = Array.from({ length: 20_000 }, newTraceId)
  const spans = Array.from({ length: 20_000 }, newSpanId)
  expect(new Set([...traces, ...spans]).size).toBe(40_000)
  expect(traces.every((id) => /^(?!0{32})[0-9a-f]{32}$/.test(id))).toBe(true)
  expect(spans.every((id) => /^(?!0{16})[0-9a-f]{16}$/.test(id))).toBe(true)
})

test('every digit of an id takes every value equally often', () => {
  const counts = Array.from({ length: 32 }, () => new Map<string, number>())
  const rounds = 16_000
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, digit] of [...newTraceId()].entries())
      counts[index]?.set(digit, (counts[index]?.get(digit) ?? 0) + 1)
  }
  // 1,000 expected. A fair digit is outside once in 10^13 tests.
  for (const digits of counts) {
    expect(digits.size).toBe(16)
    for (const count of digits.values()) expect(Math.abs(count - rounds / 16)).toBeLessThan(250)
  }
})

test('an id of zeros is drawn again', () => {
  const draw = vi.spyOn(crypto, 'getRandomValues')
  // The whole pool is zero once, then random.
  draw.mockImplementationOnce((pool) => (pool as Uint8Array).fill(0) as never)
  try {
    const ids = Array.from({ length: 1_000 }, newTraceId)
    expect(ids.some((id) => /^0+$/.test(id))).toBe(false)
    expect(draw).toHaveBeenCalled()
  } finally {
    draw.mockRestore()
  }
})
