import { setTimeout as delay } from 'node:timers/promises'
import { differences } from '../matching/differences.ts'
import { including } from '../matching/pattern.ts'
import { show } from '../matching/show.ts'
import { LOGS_UNKNOWN, type LogLine } from '../shop/log-reader.ts'
import type { Target } from '../shop/target.ts'
import type { Answer } from '../wire/answer.ts'
import { get, put, request, type Service, shownRequest, type WireRequest } from '../wire/request.ts'
import { send } from '../wire/send.ts'
import type { Dependency } from './dependency.ts'
import { check, type Expectation, shownAnswer, shownExpectation, TRACE_ID } from './expectation.ts'
import type { Ledger } from './ledger.ts'
import type { Locks } from './locks.ts'

const TIMEOUT_MS = 15_000
const POLL_MS = 20
/** The contract allows a line 500 ms; the rest is reserve, because client and services share one machine. */
const LINE_WITHIN_MS = 1_500

/** The reason for which a row cannot run now. It is not a difference. */
export class Pending extends Error {
  override readonly name = 'Pending'
}

/** The objects that all rows share. */
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

/** A running row: sends requests and records every difference from the contract. */
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

  /** The differences so far. */
  get details(): readonly string[] {
    return this.#details
  }

  /** The request that the report prints: the first one that differs, otherwise the last one. */
  get shown(): Shown {
    return this.#shown
  }

  /** Sends a request and compares its answer with an expectation. */
  async ask(request: WireRequest, expected: Expectation, timeoutMs: number = TIMEOUT_MS): Promise<Answer> {
    const answer = await this.send(request, timeoutMs)
    this.judge(request, answer, expected)
    return answer
  }

  /** Compares an earlier answer with an expectation. */
  judge(request: WireRequest, answer: Answer, expected: Expectation): void {
    const found = [...check(expected, answer, request.to), ...this.#always(request, answer, expected)]
    const shown = shownRequest(request)
    this.show(shown, shownExpectation(expected), shownAnswer(answer), found.length > 0)
    this.#details.push(...found.map((one) => `${shown}: ${one}`))
  }

  /** Sends a request and returns its answer unchecked. */
  async send(request: WireRequest, timeoutMs: number = TIMEOUT_MS): Promise<Answer> {
    this.signal.throwIfAborted()
    const answer = await send(this.target.ports[request.to], request, timeoutMs)
    const traceId = answer.headers['x-trace-id']
    if (traceId !== undefined && request.raw === undefined) {
      this.ledger.add({ service: request.to, traceId, status: answer.status, request: shownRequest(request) })
    }
    return answer
  }

  /** Compares any value with a pattern; `what` is its name in the report. */
  compare(what: string, expected: unknown, got: unknown): void {
    const found = differences(expected, got, what)
    if (found.length > 0) this.show(what, show(expected, 120), show(got, 120), true)
    this.#details.push(...found)
  }

  /** Sets what the report prints for this row, if a single request would not explain it. */
  show(request: string, expected: string, got: string, differs = false): void {
    if (this.#shownDiffers) return
    this.#shown = { request, expected, got }
    this.#shownDiffers = differs
  }

  /** @throws Pending always */
  pending(why: string): never {
    throw new Pending(why)
  }

  /** Runs the body while no other row can use these dependencies. */
  async holding(services: readonly Dependency[], body: () => Promise<void>): Promise<void> {
    await this.#locks.holding(services, async () => {
      try {
        await body()
      } finally {
        await this.clearFaults()
      }
    })
  }

  /** Sets the fault of a dependency until {@link clearFaults}. */
  async fault(service: Dependency, fault: unknown): Promise<void> {
    this.#faulted.add(service)
    const answer = await this.send(put('/__faults', fault, { to: service }))
    if (answer.status < 200 || answer.status > 299) {
      this.#details.push(`${service}: PUT /__faults ${show(fault)}: expected 2xx, got ${shownAnswer(answer)}`)
    }
  }

  /** Clears the faults that this row has set. */
  async clearFaults(): Promise<void> {
    for (const service of [...this.#faulted]) {
      const answer = await send(this.target.ports[service], request('DELETE', '/__faults', { to: service }), 5_000)
      this.#faulted.delete(service)
      if (answer.status < 200 || answer.status > 299) {
        this.#details.push(`${service}: DELETE /__faults: expected 2xx, got ${shownAnswer(answer)}`)
      }
    }
  }

  /** Polls until `holds` returns a value. Without one in time, records a difference and returns undefined. */
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
   * Returns the log lines of a trace in a service, once `ready` accepts them.
   *
   * By default it waits for the `http.request` line.
   *
   * @throws Pending if the folder of the logs is unknown
   */
  async lines(service: Service, traceId: string, ready: (lines: readonly LogLine[]) => boolean = hasEnded) {
    const log = this.target.logs[service]
    if (log === undefined) return this.pending(LOGS_UNKNOWN)
    let lines: readonly LogLine[] = []
    await this.until(`the log of ${service} has all lines of the trace`, LINE_WITHIN_MS, async () => {
      await log.refresh()
      lines = log.ofTrace(traceId)
      return ready(lines) ? true : undefined
    })
    return lines
  }

  /** Checks that exactly one line of the trace includes each of these field sets, in this order. */
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
   * Kills the process of a service with SIGKILL and returns its id.
   *
   * @throws Pending if its process id is unknown
   */
  async kill(service: Service): Promise<number> {
    const pid = await this.target.pid(service)
    if (pid === undefined) return this.pending(`the process id of ${service} is unknown`)
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

  /** Checks the rules that hold for all answers of all services. */
  #always(request: WireRequest, answer: Answer, expected: Expectation): string[] {
    const { to, method } = request
    const anyForm = expected.anyForm === true || this.#faulted.has(to as Dependency)
    if (answer.status === 0 || to === 'dashboard' || anyForm) return []
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
