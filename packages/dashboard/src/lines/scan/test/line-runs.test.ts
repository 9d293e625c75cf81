import { describe, expect, it } from 'vitest'
import { LineKey, SKIPPED } from '../line-keys.ts'
import { type Run, Runs } from '../line-runs.ts'
import { LineScanner } from '../line-scanner.ts'
import { ScannedLines } from '../scanned-lines.ts'
import { Literal, SLACK_BYTES } from '../words.ts'

/** Scans lines, and returns how many were read without doubt. */
function scan(scanner: LineScanner, rows: ScannedLines, texts: readonly string[]): Buffer {
  const bytes = Buffer.from(`${texts.join('\n')}\n`)
  const withSlack = Buffer.concat([bytes, Buffer.alloc(SLACK_BYTES)]).subarray(0, bytes.length)
  scanner.scan(withSlack, 0, bytes.length - 1, rows)
  return withSlack
}

const START = '{"timestamp":"2026-11-28T19:41:16.474Z"'
const END = '"status_code":200,"latency_ms":8.26,"event":"http.request"}'

describe('the runs of lines', () => {
  it('are not taken if a key was there before', () => {
    const scanner = new LineScanner()
    const rows = new ScannedLines()
    const early = `${START},"service":"shop","trace_id":"a1b2","method":"GET",${END}`
    const late = `${START},"trace_id":"a1b2","service":"flaky",${END}`
    scan(scanner, rows, [early, late, early, late])
    expect(rows.count).toBe(4)
    // Both of its runs are known.
    const twice = `${START},"service":"shop","trace_id":"a1b2","service":"flaky",${END}`
    scan(scanner, rows, [early, twice, late])
    expect(rows.count).toBe(2)
  })

  it.each([
    ['"parent_span_id":null', '"parent_span_id":"0123456789abcdef"'],
    ['"method":null', '"method":"GET"'],
    ['"user":12', '"user":"12"'],
    ['"latency_ms":1.5', '"latency_ms":null'],
    ['"degraded":true', '"degraded":false'],
  ])('differ where the kind of a value does: %s and %s', (one, other) => {
    const scanner = new LineScanner()
    const rows = new ScannedLines()
    const texts = Array.from({ length: 400 }, (_, index) => {
      const value = index % 3 === 0 ? one : other
      return `${START},"trace_id":"${index}",${value},"status_code":200,"event":"http.request"}`
    })
    scan(scanner, rows, texts)
    expect(rows.count).toBe(400)
  })

  it('keep where a route is, from their start on', () => {
    const scanner = new LineScanner()
    const rows = new ScannedLines()
    const ids = ['a', 'a'.repeat(30), 'a'.repeat(7)]
    const texts = ids.map((id) => `${START},"trace_id":"${id}","route":"/items/:id","status_code":502,${END.slice(18)}`)
    const bytes = scan(scanner, rows, texts)
    expect(rows.failures.count).toBe(3)
    const { pathStarts, pathEnds } = rows.failures
    const paths = ids.map((_, index) => bytes.toString('utf8', pathStarts[index], pathEnds[index]))
    expect(paths).toEqual(ids.map(() => '/items/:id'))
  })

  it('give every line its own values, however many forms of them there are', () => {
    const scanner = new LineScanner()
    const rows = new ScannedLines()
    const given = Array.from({ length: 6_000 }, (_, index) => ({
      service: `service-${index % 13}`,
      route: `/items/${'abcdefghijklmnopqrstuvwxyz'.charAt(index % 26)}`,
      status: 200 + (index % 7),
      pid: index % 5,
    }))
    const texts = given.map(
      ({ service, route, status, pid }, index) =>
        `${START},"service":"${service}","agent":"${index % 1_000}","method":"${['GET', 'PUT', 'POST'][index % 3]}","route":"${route}","pid":${pid},"status_code":${status},"event":"http.request"}`,
    )
    scan(scanner, rows, texts)
    expect(rows.count).toBe(given.length)
    const { services, routes, instances } = scanner.names
    const found = given.map((_, row) => ({
      service: services.texts[(rows.services[row] ?? 0) - 1],
      route: routes.texts[(rows.routes[row] ?? 0) - 1],
      status: rows.statuses[row],
      pid: Number(instances.texts[(rows.instances[row] ?? 0) - 1]),
    }))
    expect(found).toEqual(given)
  })

  it('end at a value that has many forms', () => {
    const runs = new Runs<LineKey>()
    const [method, user] = [new LineKey(literal('method":'), SKIPPED), new LineKey(literal('user":'), SKIPPED)]
    const learn = (index: number): void => {
      const parts = [
        { key: method, value: index % 2 === 0 ? 'GET' : 'PUT' },
        { key: user, value: String(index) },
      ]
      runs.learn(runOf(`,"method":"${parts[0]?.value}","user":"${index}"`, parts))
    }
    for (let index = 0; index < 8; index += 1) learn(index)
    expect([method.differs, user.differs]).toEqual([0, 0])
    learn(8)
    expect([method.differs, user.differs]).toEqual([0, 1])
  })

  it('end at a value that has few forms if many runs are not found', () => {
    const [first, found] = [forms(16), forms(16)]
    for (const text of first.texts) miss(first, text)
    expect(first.keys.map(({ differs }) => differs)).toEqual([1, 0, 0, 0])
    const [usual = ''] = found.texts
    for (const text of found.texts) {
      miss(found, text)
      for (let times = 0; times < 5; times += 1) expect(isFound(found.runs, usual)).toBe(true)
    }
    expect(found.keys.map(({ differs }) => differs)).toEqual([0, 0, 0, 0])
    // What is found most often is not forgotten for what is rare.
    for (const text of found.texts.slice(0, 8)) expect(isFound(found.runs, text)).toBe(true)
  })

  it('are not looked for a while if lines have other keys or other values each time', () => {
    const { runs } = forms(0)
    for (let index = 0; index < 9; index += 1) {
      const key = new LineKey(literal(`k${index}":`), SKIPPED)
      miss({ runs }, `,"k${index}":1`, [{ key, value: '1' }])
    }
    expect(isFound(runs, ',"k0":1')).toBe(false)
    expect(Array.from({ length: 65_536 }, () => runs.isLearning())).not.toContain(true)
    expect(runs.isLearning()).toBe(true)
    const keys = Array.from({ length: 17 }, (_, index) => new LineKey(literal(`k${index}":`), SKIPPED))
    for (let index = 0; index < 9; index += 1)
      miss(
        { runs },
        `,"${index}":1`,
        keys.map((key) => ({ key, value: `${index}` })),
      )
    expect(runs.isLearning()).toBe(false)
    expect(keys.some(({ differs }) => differs === 1)).toBe(false)
  })

  it('are not remembered if they are long', () => {
    const runs = new Runs<LineKey>()
    const text = `,"a":"${'x'.repeat(2_000)}"`
    runs.learn(runOf(text, []))
    expect(isFound(runs, text)).toBe(false)
  })
})

/** Runs of four keys, whose values have two forms each. */
function forms(count: number): {
  readonly runs: Runs<LineKey>
  readonly keys: readonly LineKey[]
  readonly texts: readonly string[]
} {
  const keys = ['a', 'b', 'c', 'd'].map((name) => new LineKey(literal(`${name}":`), SKIPPED))
  const texts = Array.from({ length: count }, (_, index) => index.toString(2).padStart(4, '0'))
  return { runs: new Runs<LineKey>(), keys, texts }
}

/** Looks for a run that is not there, and remembers it as the scanner does. */
function miss(
  { runs, keys = [] }: { readonly runs: Runs<LineKey>; readonly keys?: readonly LineKey[] },
  text: string,
  parts: Run<LineKey>['parts'] = keys.map((key, index) => ({ key, value: text.charAt(index) })),
): void {
  if (!isFound(runs, text) && runs.isLearning()) runs.learn(runOf(text, parts))
}

function isFound(runs: Runs<LineKey>, text: string): boolean {
  const bytes = Buffer.from(`${text}${' '.repeat(SLACK_BYTES)}`)
  return runs.find(bytes, new DataView(bytes.buffer, bytes.byteOffset), 0) !== undefined
}

function literal(text: string): Literal {
  return new Literal(Buffer.from(text))
}

function runOf(text: string, parts: Run<LineKey>['parts']): Run<LineKey> {
  const none = { seen: 0, flags: 0, service: 0, route: 0, instance: 0, host: 0, status: 0, pid: -1 }
  return { fields: { ...none, routeStart: 0, routeEnd: 0 }, text: literal(text), parts, key: undefined, isText: 0 }
}
