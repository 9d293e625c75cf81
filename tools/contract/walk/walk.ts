import { setTimeout as delay } from 'node:timers/promises'
import { differences } from '../matching/differences.ts'
import { including } from '../matching/pattern.ts'
import { show } from '../matching/show.ts'
import type { LogLine } from '../shop/log-reader.ts'
import type { Target } from '../shop/target.ts'
import type { Answer } from '../wire/answer.ts'
import { get, put, request, type Service, shownRequest, type WireRequest } from '../wire/request.ts'
import { send } from '../wire/send.ts'
import { check, type Expectation, shownAnswer, shownExpectation, TRACE_ID } from './expectation.ts'
import type { Ledger } from './ledger.ts'
import type { Locks } from './locks.ts'
import type { Dependency } from './row.ts'

const GIVE_UP_MS = 15_000
const POLL_MS = 20
/** The contract gives a line 500 ms; the rest is for the machine that walks and serves at once. */
const LINE_WITHIN_MS = 1_500

/** Why a row cannot be walked now; not a difference. */
export class Pending extends Error {
  override readonly name = 'Pending'
}

/** What several rows share. */
export interface Shared {
  readonly target: Target
  readonly locks: Locks<Dependency>
  readonly ledger: Ledger
  readonly signal: AbortSignal
}

interface Shown {
  readonly request: string
  readonly expected: string
  readonly got: string
}

/** One row while it is walked: sends its requests and notes whatever is not as it should be. */
export class Walk {
  readonly target: Target
  readonly ledger: Ledger
  readonly signal: AbortSignal
  readonly #locks: Locks<Dependency>
  readonly #details: string[] = []
  readonly #faulted = new Set<Dependency>()
  #shown: Shown = { request: '', expected: '', got: '' }
  #shownDiffers = false

  constructor({ target, locks, ledger, signal }: Shared) {
    this.target = target
    this.ledger = ledger
    this.signal = signal
    this.#locks = locks
  }

  /** All that was not as it should be, so far. */
  get details(): readonly string[] {
    return this.#details
  }

  /** What the report shows of this row: the first exchange that differs, else the last one. */
  get shown(): Shown {
    return this.#shown
  }

  /** Sends a request and holds the answer against what is expected of it. */
  async ask(request: WireRequest, expected: Expectation, giveUpMs: number = GIVE_UP_MS): Promise<Answer> {
    const answer = await this.send(request, giveUpMs)
    this.judge(request, answer, expected)
    return answer
  }

  /** Holds an answer that has already come against what is expected of it. */
  judge(request: WireRequest, answer: Answer, expected: Expectation): void {
    const found = [...check(expected, answer, request.to), ...this.#always(request, answer, expected)]
    const shown = shownRequest(request)
    this.show(shown, shownExpectation(expected), shownAnswer(answer), found.length > 0)
    this.#details.push(...found.map((one) => `${shown}: ${one}`))
  }

  /** Sends a request and gives its answer, whatever it is. */
  async send(request: WireRequest, giveUpMs: number = GIVE_UP_MS): Promise<Answer> {
    this.signal.throwIfAborted()
    const answer = await send(this.target.ports[request.to], request, giveUpMs)
    const traceId = answer.headers['x-trace-id']
    if (traceId !== undefined && request.raw === undefined) {
      this.ledger.add({ service: request.to, traceId, status: answer.status, request: shownRequest(request) })
    }
    return answer
  }

  /** Holds anything else against a pattern; `what` names it. */
  compare(what: string, expected: unknown, got: unknown): void {
    const found = differences(expected, got, what)
    if (found.length > 0) this.show(what, show(expected, 120), show(got, 120), true)
    this.#details.push(...found)
  }

  /** What stands in the row's line where an exchange alone would not tell. */
  show(request: string, expected: string, got: string, differs = false): void {
    if (this.#shownDiffers) return
    this.#shown = { request, expected, got }
    this.#shownDiffers = differs
  }

  /** @throws Pending always */
  pending(why: string): never {
    throw new Pending(why)
  }

  /** Runs the body while no other row may touch these dependencies. */
  async holding(services: readonly Dependency[], body: () => Promise<void>): Promise<void> {
    await this.#locks.holding(services, async () => {
      try {
        await body()
      } finally {
        await this.mend()
      }
    })
  }

  /** Sets a dependency's fault, until {@link mend}. */
  async fault(service: Dependency, fault: unknown): Promise<void> {
    this.#faulted.add(service)
    const answer = await this.send(put('/__faults', fault, { to: service }))
    if (answer.status < 200 || answer.status > 299) {
      this.#details.push(`${service}: PUT /__faults ${show(fault)}: expected to be taken, got ${shownAnswer(answer)}`)
    }
  }

  /** Gives every dependency that this row has broken its own behaviour back. */
  async mend(): Promise<void> {
    for (const service of [...this.#faulted]) {
      const answer = await send(this.target.ports[service], request('DELETE', '/__faults', { to: service }), 5_000)
      this.#faulted.delete(service)
      if (answer.status < 200 || answer.status > 299) {
        this.#details.push(`${service}: DELETE /__faults: expected to be taken, got ${shownAnswer(answer)}`)
      }
    }
  }

  /** Asks again and again until something holds; notes a difference, and gives undefined, when it never does. */
  async until<T>(
    what: string,
    withinMs: number,
    holds: () => Promise<T | undefined> | T | undefined,
  ): Promise<T | undefined> {
    const end = performance.now() + withinMs
    while (true) {
      this.signal.throwIfAborted()
      const value = await holds()
      if (value !== undefined) return value
      if (performance.now() >= end) break
      await delay(POLL_MS)
    }
    this.show(what, `within ${withinMs} ms`, 'not in time', true)
    this.#details.push(`${what}: not within ${withinMs} ms`)
    return undefined
  }

  /**
   * The lines of an answer's trace in a service's log, once the request's own line is among them.
   *
   * @throws Pending where the logs are not known
   */
  async lines(service: Service, traceId: string, ready: (lines: readonly LogLine[]) => boolean = hasEnded) {
    const log = this.target.logs[service]
    if (log === undefined) return this.pending('the logs are not known; --logs names their folder')
    let lines: readonly LogLine[] = []
    await this.until(`the log of ${service} has all lines of the trace`, LINE_WITHIN_MS, async () => {
      await log.refresh()
      lines = log.ofTrace(traceId)
      return ready(lines) ? true : undefined
    })
    return lines
  }

  /** Of each of these there is exactly one line in the trace, with at least these fields, and they are in this order. */
  async logged(
    service: Service,
    answer: Answer,
    ...expected: readonly Readonly<Record<string, unknown>>[]
  ): Promise<readonly LogLine[]> {
    const lines = await this.lines(service, answer.headers['x-trace-id'] ?? '')
    let after = -1
    for (const fields of expected) {
      const places = lines.flatMap((line, index) =>
        differences(including(fields), line, '').length === 0 ? [index] : [],
      )
      if (places.length !== 1) {
        const near = lines.find((line) => line['event'] === fields['event'])
        const why = near === undefined ? [] : differences(including(fields), near, `log line ${near['event']}`)
        this.compare(`log lines ${show(fields, 80)} of the trace`, 1, places.length)
        this.#details.push(...why)
      } else if ((places[0] ?? 0) < after) this.compare(`log line ${show(fields, 80)} in its order`, true, false)
      after = places[0] ?? after
    }
    return lines
  }

  /**
   * Kills the process of a service, as an accident would, and gives its id.
   *
   * @throws Pending where nobody tells its id
   */
  async kill(service: Service): Promise<number> {
    const pid = await this.target.pid(service)
    if (pid === undefined) return this.pending(`nobody tells the process id of ${service}`)
    process.kill(pid, 'SIGKILL')
    return pid
  }

  /** Waits until a service answers its readiness check with 200. */
  async untilBack(service: Service, withinMs: number): Promise<void> {
    await this.until(`${service} is back`, withinMs, async () => {
      const answer = await send(this.target.ports[service], get('/healthz', { to: service }), 1_000)
      return answer.status === 200 ? true : undefined
    })
  }

  /** What holds for every answer of every service, whatever the row is about. */
  #always(request: WireRequest, answer: Answer, expected: Expectation): string[] {
    const { to, method } = request
    const isForeign = expected.foreign === true || this.#faulted.has(to as Dependency)
    if (answer.status === 0 || to === 'dashboard' || isForeign) return []
    const found = differences(TRACE_ID, answer.headers['x-trace-id'], 'X-Trace-ID')
    const isProblem = answer.headers['content-type']?.startsWith('application/problem+json') === true
    if (answer.status >= 400 && expected.error === undefined && method !== 'HEAD' && !isProblem) {
      found.push(...check({ error: { code: /^[A-Z][A-Z0-9_]+[A-Z0-9]$/ } }, { ...answer, failure: undefined }, to))
    }
    return found
  }
}

function hasEnded(lines: readonly LogLine[]): boolean {
  return lines.some((line) => line['event'] === 'http.request')
}
