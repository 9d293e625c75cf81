import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LINE_BYTES_MAX } from '../../../lines/line-splitter.ts'
import { type OtlpLines, otlpLines } from '../otlp-lines.ts'

interface Batch {
  readonly resourceLogs: readonly {
    readonly resource: unknown
    readonly scopeLogs: readonly { readonly scope: unknown; readonly logRecords: readonly unknown[] }[]
  }[]
}

const linesOf = (body: string): OtlpLines => otlpLines(Buffer.from(body))

/** Each record with its resource and scope, in order. */
function recordsOf(batches: readonly Batch[]): unknown[] {
  return batches.flatMap(({ resourceLogs }) =>
    resourceLogs.flatMap(({ resource, scopeLogs }) =>
      scopeLogs.flatMap(({ scope, logRecords }) => logRecords.map((record) => ({ resource, scope, record }))),
    ),
  )
}

const text = fc
  .tuple(fc.string(), fc.integer({ min: 0, max: 9_000 }))
  .map(([part, times]) => part.slice(0, 5).repeat(times))
const record = fc.record({ body: fc.record({ stringValue: text }) })
const scopeLogs = fc.record({
  scope: fc.record({ name: fc.string() }),
  logRecords: fc.array(record, { maxLength: 12 }),
})
const resourceLogs = fc.record({
  resource: fc.record({ note: fc.string({ maxLength: 500 }) }),
  scopeLogs: fc.array(scopeLogs, { maxLength: 4 }),
})
const request = fc.record({ resourceLogs: fc.array(resourceLogs, { maxLength: 4 }) })

describe('otlpLines', () => {
  it('keeps every record with its resource and scope, in lines that can be read', () => {
    fc.assert(
      fc.property(request, (sent) => {
        const { text, rejected } = linesOf(JSON.stringify(sent))
        const lines = text.split('\n')
        expect(lines.pop()).toBe('')
        for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(LINE_BYTES_MAX)
        expect(recordsOf(lines.map((line) => JSON.parse(line) as Batch))).toEqual(recordsOf([sent]))
        expect(rejected).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it('writes a resource and a scope once per line', () => {
    const scopeLogs = [
      { scope: { name: 'a' }, logRecords: [{ x: 1 }, { x: 2 }] },
      { scope: { name: 'b' }, logRecords: [{ x: 3 }] },
    ]
    const body = JSON.stringify({ resourceLogs: [{ resource: { r: 1 }, scopeLogs }] })
    expect(linesOf(body).text).toBe(`${body}\n`)
  })

  it('does not multiply a long resource by the number of its scopes and records', () => {
    const resource = { note: 'x'.repeat(30_000) }
    const scopes = Array.from({ length: 50_000 }, () => ({ logRecords: [{}] }))
    const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: scopes }] })
    const { text, rejected } = linesOf(body)
    expect(rejected).toBe(0)
    expect(text.length).toBeLessThan(3 * body.length)
  })

  it('makes no line of more than a thousand records', () => {
    const body = JSON.stringify({
      resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: 2_500 }, () => ({})) }] }],
    })
    expect(linesOf(body).text.split('\n')).toHaveLength(4)
  })

  it('refuses a request of endless small values before it reads them', () => {
    expect(() => linesOf(`{"resourceLogs":[${'[],'.repeat(400_000)}]}`)).toThrow('more than 400000 objects and lists')
  })

  it('rejects the records of a resource that is too long, and says why', () => {
    const resource = { note: 'x'.repeat(40_000) }
    const { text, rejected, reason } = linesOf(
      JSON.stringify({
        resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{}, {}] }] }, { scopeLogs: [{ logRecords: [{}] }] }],
      }),
    )
    expect({ rejected, lines: text.split('\n').length - 1 }).toEqual({ rejected: 2, lines: 1 })
    expect(reason).toContain('longer than 32768 characters')
  })
})
