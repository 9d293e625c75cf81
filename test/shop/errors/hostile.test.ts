import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, formProblem } from '../helpers/form.ts'
import { HOSTILE, SECRET } from '../helpers/hostile-requests.ts'
import { linesOf } from '../helpers/logs.ts'
import { isAlive, ROOT } from '../helpers/processes.ts'
import { openShop, type Shop, type StartedShop } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'
import { head, post, sendBytes, type WireAnswer } from '../helpers/wire.ts'

// Hostile requests against the real shop. Each gets the expected answer with a well-formed body, and one log line. No
// answer reveals internals of the shop or repeats what was sent. The process survives.

/** What no answer may contain: file names, stacks, messages of libraries. */
const INTERNALS =
  /node_modules|examples\/|packages\/|\.[cm]?[jt]s\b|\n\s+at |Error:|FST_|ERR_|HPE_|SyntaxError|Unexpected token|zod/i

let shop: Shop | StartedShop

beforeAll(async () => {
  shop = await openShop()
})
afterAll(cleanUp)

test.each(HOSTILE)('codes: %s', async (_name, bytes, status, code) => {
  const answer = await only(sendBytes(shop.port, bytes))
  expect([answer.status, codeOf(answer)]).toEqual([status, code])
  expect(answer.text).not.toMatch(INTERNALS)
  expect(answer.text).not.toContain(ROOT)
  // The header must not contain it either.
  expect(`${answer.text}${answer.headers.get('x-trace-id')}`).not.toContain(SECRET)
  expect(answer.text.length).toBeLessThan(4_000)
  await expectOneLine(answer)
})

test.each<readonly [string, string]>([
  ['an id that is a message placeholder', '{constructor}'],
  ['an id of two message placeholders', '{id}{recurso}'],
  ['terminal escape sequences', '\u001b[31m\u001b]0;title\u0007'],
  ['a forged log line', 'a\n{"log_level":"critical","event":"forged"}\r\n'],
  ['NUL, line separators and a BOM', '\0\u2028\u2029\ufeff'],
  ['a replacement character and an emoji', '\ufffd💥'],
])('4.2b: treats %s as data: it appears in the context and in one log line', async (_name, id) => {
  const answer = await only(sendBytes(shop.port, head(`GET /items/${encodeURIComponent(id)}`)))
  expect(answer.status).toBe(404)
  expect(JSON.parse(answer.text)).toMatchObject({
    error_code: 'ITEM_NOT_FOUND',
    message: `Item con ID '${id}' no encontrado.`,
    context: { recurso: 'Item', id },
  })
  expect(answer.text).not.toMatch(INTERNALS)
  await expectOneLine(answer)
  expect((await shop.lines()).some((line) => line['event'] === 'forged')).toBe(false)
})

test.each<readonly [string, readonly string[]]>([
  ['upper case', ['traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01']],
  ['a parent of zeros', ['traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01']],
  ['too few digits', ['traceparent: 00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01']],
  ['zeros', ['traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01']],
  ['version ff', ['traceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']],
  ['a version 00 that is too long', ['traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x']],
  ['garbage', [`traceparent: ${SECRET}`]],
  ['10 KB', [`traceparent: ${'4bf92f3577b34da6'.repeat(640)}`]],
  [
    'two headers',
    [
      'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01',
    ],
  ],
  ['request ids', [`X-Request-ID: ${SECRET}`, `X-Trace-ID: ${SECRET}`, 'X-Correlation-ID: %0d%0aSet-Cookie: x']],
  ['a request id of 10 KB', [`X-Request-ID: ${SECRET.repeat(1_700)}`]],
])('4.8c: ignores a hostile trace (%s) and starts a new one', async (_name, fields) => {
  const answer = await only(sendBytes(shop.port, head('GET /items/item1', ...fields)))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
  expect(answer.headers.get('x-trace-id')).not.toMatch(/^4bf92f3577b34da6|^0{32}/)
  expect(answer.headers.get('set-cookie')).toBeNull()
  await expectOneLine(answer)
})

test('codes: a valid request and garbage in one packet: each gets an answer and a log line', async () => {
  const answers = await sendBytes(shop.port, `GET /items/item1 HTTP/1.1\r\nHost: shop\r\n\r\n${SECRET}\r\n\r\n`)
  expect(answers.map(({ status }) => status)).toEqual([200, 400])
  for (const answer of answers) {
    expect(formProblem(answer)).toBeUndefined()
    await expectOneLine(answer)
  }
})

test('codes: gives 200 concurrent hostile connections a well-formed answer each', async () => {
  const kinds = [
    `${SECRET}\r\n\r\n`,
    head('GET /items/%zz'),
    post('/users', '{'),
    head('GET /nowhere'),
    head('PURGE /'),
  ]
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => only(sendBytes(shop.port, kinds[index % kinds.length] as string))),
  )
  expect(new Set(answers.map(({ headers }) => headers.get('x-trace-id'))).size).toBe(200)
})

test('codes: answers an endless upload with 413 and closes the connection within 32 MiB', async () => {
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
  let sent = 0
  const received = await new Promise<string>((resolve) => {
    const socket = connect(shop.port, '127.0.0.1')
    let text = ''
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.on('data', (bytes: Buffer) => {
      text += bytes
    })
    const writeMore = (): void => {
      while (!socket.destroyed) {
        sent += chunk.length
        if (!socket.write(chunk)) return void socket.once('drain', writeMore)
      }
    }
    socket.write(head('POST /users', 'Content-Type: application/json', 'Transfer-Encoding: chunked'))
    writeMore()
  })
  expect(received).toMatch(/^HTTP\/1\.1 413 .*"error_code":"PAYLOAD_TOO_LARGE"/s)
  expect(sent).toBeLessThan(32 * 1_048_576)
})

test('codes: afterwards the same process still answers and has written nothing to stderr', async () => {
  if ('process' in shop) {
    expect(isAlive(shop.process.pid)).toBe(true)
    expect(shop.process.stderr()).toBe('')
  }
  expect((await shop.ask('/items/item1')).status).toBe(200)
  const lines = await shop.lines()
  expect(lines.filter((line) => line['log_level'] === 'error' || line['log_level'] === 'critical')).toEqual([])
  // A query or a body can contain a secret, so neither is ever logged.
  expect(lines.some((line) => JSON.stringify(line).includes(`?${SECRET}`))).toBe(false)
  expect(lines.some((line) => JSON.stringify(line).includes(`${SECRET}@b`))).toBe(false)
})

/** Returns the only answer; checks that it is well formed. */
async function only(answers: Promise<readonly WireAnswer[]>): Promise<WireAnswer> {
  const [answer, ...more] = await answers
  expect(more).toEqual([])
  if (answer === undefined) throw new Error('no answer')
  expect(formProblem(answer)).toBeUndefined()
  return answer
}

async function expectOneLine({ status, headers }: WireAnswer): Promise<void> {
  const lines = await linesOf(shop.target, 'potion-shop', headers.get('x-trace-id') ?? '')
  expect(lines.filter((line) => line['event'] === 'http.request')).toMatchObject([{ status_code: status }])
  expect(lines.filter((line) => line['event'] === 'http_error')).toHaveLength(status < 400 ? 0 : 1)
}
