import { IncomingMessage, type OutgoingHttpHeader, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holdingTraceId } from '../node/trace-header.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const Holding = holdingTraceId(ServerResponse)

type Step = (response: ServerResponse) => unknown
type Headers = Readonly<Record<string, OutgoingHttpHeader>>

function begun(responses: typeof ServerResponse<IncomingMessage>): ServerResponse {
  const request = new IncomingMessage(new Socket())
  request.method = 'GET'
  const response = new responses(request)
  response.sendDate = false
  response.setHeader('x-trace-id', TRACE_ID)
  return response
}

/** What a step returns, or the code of its error. */
function resultOf(step: Step, response: ServerResponse): unknown {
  try {
    const result = step(response)
    return result === response ? 'itself' : structuredClone(result)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** The lines of the head as it is sent. Their order has no meaning. */
function headOf(response: ServerResponse): readonly string[] {
  const { _header: head } = response as unknown as { readonly _header: string | null }
  return (head ?? 'not sent').split('\r\n').sort()
}

const name = fc.constantFrom('x-trace-id', 'X-Trace-ID', 'Content-Type', 'vary', 'set-cookie', 'x y')
const value = fc.constantFrom<string | string[]>('a', 'b', ['a', 'b'], 'a\nb', TRACE_ID)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(name, value).map(
    ([key, text]) =>
      (response: ServerResponse) =>
        response.setHeader(key, text),
  ),
  fc.tuple(name, value).map(
    ([key, text]) =>
      (response: ServerResponse) =>
        response.appendHeader(key, text),
  ),
  name.map((key) => (response: ServerResponse) => response.removeHeader(key)),
  name.map((key) => (response: ServerResponse) => response.getHeader(key)),
  name.map((key) => (response: ServerResponse) => response.hasHeader(key)),
  fc.constantFrom<Step>(
    (response) => ({ ...response.getHeaders() }),
    (response) => response.getHeaderNames(),
    (response) => (response as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames(),
  ),
)
const headers = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key.toLowerCase() })
const head = fc.oneof(
  fc.constantFrom<Step>(
    (response) => response.flushHeaders(),
    (response) => response.writeHead(204),
    (response) => response.writeHead(99),
  ),
  headers.map((pairs) => (response: ServerResponse) => response.writeHead(200, Object.fromEntries(pairs) as Headers)),
  headers.map((pairs) => (response: ServerResponse) => response.writeHead(200, pairs.flat() as string[])),
  headers.map((pairs) => (response: ServerResponse) => response.writeHead(200, 'Fine', Object.fromEntries(pairs))),
)

describe('a response that holds its trace id back', () => {
  it('looks and is sent like one that has the header from the start', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 4 }), fc.array(head, { minLength: 1, maxLength: 2 }), (steps, heads) => {
        const [plain, holding] = [begun(ServerResponse), begun(Holding)]
        for (const one of [...steps, ...heads]) expect(resultOf(one, holding)).toEqual(resultOf(one, plain))
        expect(headOf(holding)).toEqual(headOf(plain))
      }),
      { numRuns: 2_000 },
    )
  })

  it('still tells its trace id after it was sent', () => {
    const response = begun(Holding).writeHead(200, { 'content-type': 'text/plain' })
    expect(response.getHeader('X-Trace-ID')).toBe(TRACE_ID)
    expect(response.hasHeader('x-trace-id')).toBe(true)
    expect(() => response.setHeader('x-trace-id', TRACE_ID)).toThrow('Cannot set headers after they are sent')
  })

  it('does not change the headers of a handler', () => {
    const given = { 'content-type': 'text/plain' }
    begun(Holding).writeHead(200, given)
    expect(given).toEqual({ 'content-type': 'text/plain' })
  })
})
