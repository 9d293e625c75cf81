import { describe, expect, it } from 'vitest'
import type { Answer } from './setup.ts'
import { run, serve } from './setup.ts'

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const body =
  (status: number, text: string): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(text)

describe('a hostile answer', () => {
  it.each([
    ['a message that does not convert to text', 404, '{"error_code":"X","message":{"toString":1}}', 1],
    ['a finding that does not', 422, '{"error_code":"X","context":{"errors":[{"pointer":{"toString":1}}]}}', 1],
    [
      'names that do not',
      200,
      '{"service":{"toString":1},"shields":[{"policies":[{"name":{"toString":1},"type":"x"}]}]}',
      0,
    ],
    ['200,000 policies', 200, `{"shields":[{"policies":[${'0,'.repeat(200_000)}0]}]}`, 0],
    ['100,000 levels', 200, `{"shields":[{"policies":[{"x":${nested(100_000)}}]}]}`, 1],
  ])('%s ends with an exit code and one line', async (_, status, text, code) => {
    const { url } = await serve(body(status, text))
    for (const args of [['status'], ['status', '--json'], ['isolate', 'a', '--reason', 'x']]) {
      const ended = await run([...args, '--url', url])
      // A list does not say that the action was done.
      const expected = args[0] === 'isolate' ? 1 : code
      expect(ended.code).toBe(expected)
      expect(ended.err).toMatch(expected === 0 ? /^$/ : /^escudo: [^\n]+\n$/)
    }
  })

  it('is cut off between two characters', async () => {
    const name = `${'x'.repeat(98)}${'\u{1f600}'.repeat(9)}`
    const { url } = await serve(body(200, JSON.stringify({ service: 's', shields: [{ name, policies: [] }] })))
    const { out } = await run(['status', '--url', url])
    expect(out).toContain('x…\n')
    expect(out.isWellFormed()).toBe(true)
  })

  it('cannot act on the terminal, with --json either, which is still the same JSON', async () => {
    const answer = { service: 'a\u009b2J', shields: [{ name: '\u202ex\u001b[31m', policies: [] }] }
    const { url } = await serve(body(200, JSON.stringify(answer)))
    const { out } = await run(['status', '--json', '--url', url])
    expect(out).toMatch(/^[\n\u0020-\u007e]*$/)
    expect(JSON.parse(out)).toEqual(answer)
  })
})
