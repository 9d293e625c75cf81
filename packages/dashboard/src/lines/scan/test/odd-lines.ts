/** Generates lines in and around escudo's format: usual ones, odd ones, and broken ones. The same seed gives the same lines. */
export class OddLines {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** Returns the bytes of one line without its newline. */
  next(): Buffer {
    const fields = this.#fields()
    if (this.#chance(0.1)) this.#shuffle(fields)
    // A key twice, with the value of another field, or of the same field of another line.
    if (this.#chance(0.06)) {
      const [key] = this.#pick(fields)
      const [, value] = this.#chance(0.5)
        ? this.#pick(fields)
        : (this.#fields().find(([name]) => name === key) ?? ['', '1'])
      fields.splice(this.#integer(fields.length + 1), 0, [key, value])
    }
    if (this.#chance(0.06)) fields.splice(this.#integer(fields.length), 1)
    const [colon, comma] = this.#chance(0.1) ? [this.#pick(SPACES), this.#pick(SPACES)] : ['', '']
    const text = fields.map(([key, value]) => `${key}:${colon}${value}`).join(`,${comma}`)
    const line = Buffer.from(`{${text}}${this.#chance(0.05) ? this.#pick(ENDS) : ''}`)
    return this.#chance(0.12) ? this.#damaged(line) : line
  }

  #fields(): [string, string][] {
    const fields: [string, string][] = [
      ['"log_level"', this.#value(LEVELS)],
      ['"timestamp"', this.#time()],
      ['"service"', this.#value(SERVICES)],
    ]
    const add = (share: number, key: string, value: () => string): void => {
      if (this.#chance(share)) fields.push([key, value()])
    }
    add(0.3, this.#pick(HOSTS), () => this.#value(SERVICES))
    add(0.3, '"pid"', () => this.#value(PIDS))
    add(0.2, '"instance"', () => this.#value(INSTANCES))
    add(0.9, '"trace_id"', () => this.#value(IDS))
    add(0.9, '"span_id"', () => this.#value(IDS))
    add(0.5, '"parent_span_id"', () => this.#value(IDS))
    add(0.8, '"method"', () => '"GET"')
    add(0.6, '"route"', () => this.#value(ROUTES))
    add(0.9, '"path"', () => this.#value(PATHS))
    add(0.97, '"status_code"', () => this.#value(STATUSES))
    add(0.97, '"latency_ms"', () => this.#number())
    add(0.2, '"degraded"', () => this.#pick(['true', 'false', '"true"', '1', 'null']))
    add(0.3, this.#pick(FURTHER), () => this.#value(VALUES))
    add(0.3, '"error_code"', () => this.#value(CODES))
    add(0.3, '"error_kind"', () => this.#value(KINDS))
    add(0.2, this.#pick(MESSAGES), () => this.#value(VALUES))
    add(0.2, this.#pick(MESSAGES), () => this.#value(VALUES))
    add(0.98, this.#chance(0.02) ? '"ev\\u0065nt"' : '"event"', () => this.#value(EVENTS))
    return fields
  }

  /** Mostly one of the usual values, which are first. */
  #value(values: readonly string[]): string {
    return this.#chance(0.97) ? (values[this.#integer(Math.ceil(values.length / 2))] ?? '') : this.#pick(values)
  }

  #time(): string {
    if (this.#chance(0.06)) return this.#pick(TIMES)
    return `"${new Date(1_790_000_000_000 + this.#integer(4_000_000_000)).toISOString()}"`
  }

  #number(): string {
    if (this.#chance(0.1)) return this.#pick(NUMBERS)
    const number = this.#integer(1_000_000) / 10 ** this.#integer(7)
    return this.#chance(0.2) ? `${number}${this.#integer(1_000_000)}` : `${number}`
  }

  #damaged(line: Buffer): Buffer {
    const at = this.#integer(line.length)
    switch (this.#integer(5)) {
      case 0:
        return line.subarray(0, at)
      case 1:
        return Buffer.concat([line.subarray(0, at), line.subarray(at + 1)])
      case 2:
        return Buffer.concat([line.subarray(0, at), line])
      default: {
        const copy = Buffer.from(line)
        // No newline: it would be the end of the line.
        copy[at] = this.#pick([0, 9, 13, 34, 44, 58, 91, 92, 123, 125, 0x80, 0xc3, 0xff, this.#integer(246) + 10 + 1])
        return copy
      }
    }
  }

  #shuffle(fields: unknown[]): void {
    for (let last = fields.length - 1; last > 0; last -= 1) {
      const other = this.#integer(last + 1)
      ;[fields[last], fields[other]] = [fields[other], fields[last]]
    }
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#integer(values.length)] as T
  }

  #chance(share: number): boolean {
    return this.#integer(1_000_000) < share * 1_000_000
  }

  /** Mulberry32. */
  #integer(max: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * max)
  }
}

const SPACES = ['', ' ', '  ', '\t']
const ENDS = ['\r', ' ', '\t', ' \r', '}', ',', ' x']
const LEVELS = [
  '"info"',
  '"warning"',
  '"error"',
  '"critical"',
  '"FATAL"',
  '""',
  '30',
  'null',
  '"inf\\u006f"',
  '["info"]',
]
const SERVICES = [
  '"shop"',
  '"inventory"',
  '"a service"',
  '"s1"',
  '""',
  'null',
  '"caf\u00e9"',
  '"a\\"b"',
  '7',
  '{"name":"x"}',
]
const HOSTS = ['"hostname"', '"hostname"', '"host"', '"host.name"', '"_HOSTNAME"']
const PIDS = ['1', '4711', '4294967295', '0', '"17"', '4294967296', '1.5', '-1', '1e3', 'null', '01']
const INSTANCES = ['"a1"', '"b2"', '""', 'null', '{"host":"h","pid":1}', '[1]', '"\\u0041"']
const IDS = [
  '"34b1c9378e9ef2dce4acc44538263220"',
  '"a1"',
  '"67a219fc0fdb96d0"',
  '"0"',
  '"-"',
  '""',
  'null',
  '12345',
  '"x\\ny"',
  '"\u00fc"',
]
const ROUTES = [
  '"/items/:id"',
  '"/"',
  '"/healthz"',
  '"/a/b/c"',
  '""',
  'null',
  '"/caf\u00e9"',
  '"/a\\/b"',
  '5',
  `"/${'r'.repeat(250)}"`,
]
const PATHS = [
  '"/items/42"',
  '"/items/7?q=1"',
  '"/livez"',
  '"/users/ada@example.org/orders/00000000-0000-4000-8000-000000000000"',
  '"/"',
  '"/readyz?full=1"',
  '""',
  'null',
  '"/\u00fc/1"',
  '"/a\\u0062"',
  '1',
  `"/${'p'.repeat(300)}"`,
  `"/${'p/'.repeat(40)}"`,
]
const STATUSES = [
  '200',
  '201',
  '204',
  '301',
  '304',
  '100',
  '206',
  '399',
  '404',
  '503',
  '400',
  '99',
  '"200"',
  '200.0',
  '2e2',
  '0200',
  '-200',
  'null',
  '1000',
  'true',
]
const EVENTS = [
  '"http.request"',
  '"http.request"',
  '"http.request"',
  '"http_error"',
  '"retry.attempt"',
  '"user.signup"',
  '""',
  'null',
  '1',
]
const CODES = [
  '"UPSTREAM_ERROR"',
  '"A"',
  '"out-of-stock"',
  '""',
  'null',
  '42',
  '"caf\u00e9"',
  '"A\\u0042"',
  `"${'C'.repeat(100)}"`,
  `"${'C'.repeat(101)}"`,
  '{"code":"A"}',
]
const KINDS = ['"business"', '"technical"', '"other"', '""', 'null', '1', '"businesses"', '"busines\\u0073"']
const MESSAGES = ['"message"', '"detail"', '"error_message"', '"msg"']
const FURTHER = [
  '"user_agent"',
  '"__proto__"',
  '"constructor"',
  '""',
  '"caf\u00e9"',
  '"stat\\u0075s_code"',
  '"status"',
]
const VALUES = [
  '"curl/8"',
  '1',
  'true',
  'false',
  'null',
  '-0.5',
  '"\u2028 \u{1f600}"',
  '"a\\tb"',
  '{"a":[1,{"status_code":500}]}',
  '[]',
  '1e5',
  '-',
  '.5',
  '1.',
  'nul',
  'tru',
  '"\u0007"',
]
const NUMBERS = [
  '0',
  '0.1',
  '1e3',
  '1E-7',
  '-1',
  '-0',
  '00.5',
  '5.',
  '.5',
  '"5"',
  'null',
  '1e999',
  '123456789012345678',
  '0.1234567890123456',
  '999999999999999',
  '1.00',
  '+1',
  'NaN',
  '{}',
]
const TIMES = [
  '"2026-02-30T10:00:00.000Z"',
  '"2026-13-01T10:00:00.000Z"',
  '"2026-11-29T24:00:00.000Z"',
  '"2026-11-29T24:00:01.000Z"',
  '"2026-11-29T23:59:60.000Z"',
  '"2026-11-29T10:00:00.00aZ"',
  '"2026-11-29t10:00:00.000z"',
  '"2026-11-29T10:00:00Z"',
  '"2026-11-29 10:00:00.000Z"',
  '"2026-11-29T10:00:00.000+01:00"',
  '"+02026-11-29T10:00:00.00Z"',
  '"0000-01-01T00:00:00.000Z"',
  '"today"',
  '""',
  'null',
  '1790000000000',
]
